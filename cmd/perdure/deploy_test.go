package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const deploy = "../../deploy"

// TestDeployKubernetes checks the manifests against the schemas of Kubernetes and KEDA,
// and what they start against the flags that there are.
func TestDeployKubernetes(t *testing.T) {
	python := filepath.Join(deploy, "testdata/.venv/bin/python")
	if _, err := os.Stat(python); err != nil {
		t.Skip("the schemas of Kubernetes are not installed (make test does)")
	}
	files, err := filepath.Glob(deploy + "/kubernetes/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("Glob() = %v, %v, want the manifests", files, err)
	}
	var told bytes.Buffer
	c := exec.CommandContext(t.Context(), python, append([]string{deploy + "/testdata/check.py"}, files...)...)
	c.Stderr = &told
	out, err := c.Output()
	if err != nil {
		t.Fatalf("the manifests do not fit: %v\n%s", err, told.String())
	}
	var keda []json.RawMessage
	containers := 0
	for line := range strings.Lines(string(out)) {
		var doc struct {
			Keda     json.RawMessage
			Args     []string
			Security struct{ ReadOnlyRootFilesystem, AllowPrivilegeEscalation bool }
		}
		if err := json.Unmarshal([]byte(line), &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Keda != nil {
			keda = append(keda, doc.Keda)
			continue
		}
		containers++
		if !doc.Security.ReadOnlyRootFilesystem || doc.Security.AllowPrivilegeEscalation {
			t.Errorf("a container may write to its root, or get more rights: %s", line)
		}
		checkArgs(t, doc.Args)
	}
	if containers != 3 || len(keda) != 2 {
		t.Errorf("%d containers and %d documents of KEDA were checked, want 3 and 2", containers, len(keda))
	}
	if _, err := os.Stat(deploy + "/testdata/node_modules/@kubernetes-models"); err != nil {
		t.Skip("the schemas of KEDA are not installed (make test does)")
	}
	c = exec.CommandContext(t.Context(), "node", deploy+"/testdata/keda.mjs")
	for _, doc := range keda {
		c.Stdin = bytes.NewReader(append(doc, '\n'))
		if text, err := c.CombinedOutput(); err != nil {
			t.Errorf("a document does not fit KEDA: %v\n%s", err, text)
		}
		c = exec.CommandContext(t.Context(), "node", deploy+"/testdata/keda.mjs")
	}
}

// checkArgs checks a command line of the server: that it is one.
func checkArgs(t *testing.T, args []string) {
	t.Helper()
	if len(args) == 0 {
		return // the image's own
	}
	if args[0] != "server" {
		t.Errorf("%q starts no server", args)
		return
	}
	if err := serverCommand(system()).ParseFlags(args[1:]); err != nil {
		t.Errorf("%q is no command line: %v", args, err)
	}
}

// TestDeployContainers checks the files of the images, and what the server's starts.
func TestDeployContainers(t *testing.T) {
	for _, name := range []string{"Dockerfile", "worker.Dockerfile"} {
		data, err := os.ReadFile(filepath.Join(deploy, name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		for _, want := range []string{"CGO_ENABLED=0 go build", "\nFROM scratch\n", "\nUSER 65532:65532\n", "ca-certificates.crt"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q", name, strings.TrimSpace(want))
			}
		}
		if _, command, ok := strings.Cut(text, "\nCMD "); ok {
			var args []string
			if err := json.Unmarshal([]byte(command), &args); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			checkArgs(t, args)
		}
	}
}

// TestDeployInEmptyRoot runs the server as its container does: alone in a root that it
// may not write to, as nobody, with a folder for its data.
func TestDeployInEmptyRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can change a process's root")
	}
	root := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", filepath.Join(root, "perdure"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	const nobody = 65532
	for dir := root; dir != filepath.Dir(dir) && strings.HasPrefix(dir, os.TempDir()) && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // others are to look into it
			t.Fatal(err)
		}
	}
	data := filepath.Join(root, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	c := exec.CommandContext(t.Context(), "/perdure", "server", "--addr", "127.0.0.1:0", "-v")
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	c.Env, c.Dir, c.Stderr = []string{"PERDURE_HUB=/data"}, "/", &told
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	serving := false
	for lines := bufio.NewScanner(out); !serving && lines.Scan(); {
		serving = strings.Contains(lines.Text(), "Ctrl-C drains")
	}
	if !serving {
		t.Fatalf("the server ends before it serves: %v\n%s", c.Wait(), told.String())
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("the server ends with %v\n%s", err, told.String())
	}
	files, err := fs.Glob(os.DirFS(root), "*")
	if want := []string{"data", "perdure"}; err != nil || !slices.Equal(files, want) {
		t.Errorf("the root holds %v, %v, want %v", files, err, want)
	}
}

// TestDeploySystemd has systemd check the unit.
func TestDeploySystemd(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd-analyze")
	}
	data, err := os.ReadFile(deploy + "/systemd/perdure.service")
	if err != nil {
		t.Fatal(err)
	}
	_, line, ok := strings.Cut(string(data), "\nExecStart=/usr/local/bin/perdure ")
	if !ok {
		t.Fatal("the unit starts no perdure")
	}
	line, _, _ = strings.Cut(line, "\n")
	checkArgs(t, strings.Fields(line))
	// The binary is not installed here.
	text := strings.Replace(string(data), "ExecStart=/usr/local/bin/perdure", "ExecStart=/bin/true", 1)
	unit := filepath.Join(t.TempDir(), "perdure.service")
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if told, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", unit).CombinedOutput(); err != nil || len(bytes.TrimSpace(told)) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, told)
	}
}

// TestDeployAzure reads the templates: that they are JSON, that each parameter is used,
// and that the paths are those of the example.
func TestDeployAzure(t *testing.T) {
	read := func(name string, into any) string {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(deploy, "azure", name))
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return string(data)
	}
	var arm struct {
		Schema     string `json:"$schema"`
		Parameters map[string]any
		Resources  []struct {
			Type       string
			Properties struct {
				Template struct{ Scale struct{ MinReplicas *int } }
			}
		}
	}
	text := read("containerapp.json", &arm)
	for name := range arm.Parameters {
		if !strings.Contains(text, "[parameters('"+name+"')]") && !strings.Contains(text, "parameters('"+name+"')") {
			t.Errorf("the parameter %s is not used", name)
		}
	}
	if len(arm.Resources) != 1 || arm.Resources[0].Type != "Microsoft.App/containerApps" ||
		arm.Resources[0].Properties.Template.Scale.MinReplicas == nil || *arm.Resources[0].Properties.Template.Scale.MinReplicas != 0 {
		t.Errorf("resources = %+v, want a container app that scales to zero", arm.Resources)
	}
	var host struct {
		CustomHandler struct {
			Description                 struct{ DefaultExecutablePath string }
			EnableForwardingHTTPRequest bool `json:"enableForwardingHttpRequest"`
		}
	}
	if read("functions/host.json", &host); !host.CustomHandler.EnableForwardingHTTPRequest || host.CustomHandler.Description.DefaultExecutablePath != "worker" {
		t.Errorf("host.json = %+v, want requests forwarded to worker as they are", host)
	}
	var function struct {
		Bindings []struct {
			Type, Route string
			Methods     []string
		}
	}
	if read("functions/perdure/function.json", &function); len(function.Bindings) != 2 || function.Bindings[0].Route != "perdure" || !slices.Equal(function.Bindings[0].Methods, []string{"post"}) {
		t.Errorf("function.json = %+v, want POST /api/perdure", function)
	}
	code, err := os.ReadFile("../../examples/push/main.go")
	if err != nil || !strings.Contains(string(code), `"/api/perdure"`) || !strings.Contains(string(code), "FUNCTIONS_CUSTOMHANDLER_PORT") {
		t.Errorf("the example does not serve where the host of Azure Functions forwards to: %v", err)
	}
	var settings struct{ Values map[string]string }
	if read("functions/local.settings.json", &settings); settings.Values["FUNCTIONS_WORKER_RUNTIME"] != "custom" {
		t.Errorf("local.settings.json = %+v, want a custom runtime", settings)
	}
}
