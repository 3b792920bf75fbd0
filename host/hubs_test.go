package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

const sidecar = "/TaskHubSidecarService/"

// invoke calls a method in a hub, with a token unless that is "".
func invoke(ctx context.Context, conn *grpc.ClientConn, hub, token, method string, in, out proto.Message) error {
	return conn.Invoke(outgoing(ctx, hub, token), sidecar+method, in, out)
}

func outgoing(ctx context.Context, hub, token string) context.Context {
	if hub != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "taskhub", hub)
	}
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	return ctx
}

// ask sends a request over HTTP and returns status and body; headers are name and
// value in turn.
func ask(t *testing.T, method, url, body string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(data)
}

// startIn starts Approve in a hub over gRPC.
func startIn(t *testing.T, conn *grpc.ClientConn, hub, id string) {
	t.Helper()
	in := &wirepb.CreateInstanceRequest{InstanceId: id, Name: "Approve"}
	if err := invoke(t.Context(), conn, hub, "", "StartInstance", in, new(wirepb.CreateInstanceResponse)); err != nil {
		t.Fatalf("StartInstance(%q) in hub %q = %v", id, hub, err)
	}
}

// exists reports whether an instance is in a hub, which both sides must agree on.
func exists(t *testing.T, url string, conn *grpc.ClientConn, hub, id string) bool {
	t.Helper()
	out := new(wirepb.GetInstanceResponse)
	if err := invoke(t.Context(), conn, hub, "", "GetInstance", &wirepb.GetInstanceRequest{InstanceId: id}, out); err != nil {
		t.Fatalf("GetInstance(%q) in hub %q = %v", id, hub, err)
	}
	got, body := ask(t, "GET", url+"/api/v1/runs/"+id, "", "taskhub", hub)
	if (got == http.StatusOK) != out.GetExists() {
		t.Errorf("in hub %q, %q exists is %t over gRPC and %d %s over HTTP", hub, id, out.GetExists(), got, body)
	}
	return out.GetExists()
}

func hubNames(t *testing.T, url string) (names []string) {
	t.Helper()
	_, body := ask(t, "GET", url+"/api/v1/hubs", "")
	var list struct{ Items []struct{ Name string } }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	for _, i := range list.Items {
		names = append(names, i.Name)
	}
	return names
}

func TestHubs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	cfg := config(dir)
	cfg.TaskHubs = []string{"flag"}
	app, stop := start(t, cfg)
	url, conn := app.URL(), rpc(t, app.URL(), nil)
	if got, body := ask(t, "POST", url+"/api/v1/hubs", `{"name":"rest"}`); got != http.StatusOK {
		t.Fatalf("make a hub over HTTP = %d %s, want 200", got, body)
	}
	create := func(hub string, recreate bool) error {
		return invoke(t.Context(), conn, hub, "", "CreateTaskHub", &wirepb.CreateTaskHubRequest{RecreateIfExists: recreate}, new(wirepb.CreateTaskHubResponse))
	}
	if err := create("call", false); err != nil {
		t.Fatal(err)
	}
	if err := create("call", false); status.Code(err) != codes.AlreadyExists {
		t.Errorf("CreateTaskHub of one that exists = %v, want AlreadyExists", err)
	}
	if err := create("../call", false); status.Code(err) != codes.InvalidArgument {
		t.Errorf("CreateTaskHub(../call) = %v, want InvalidArgument", err)
	}
	if got := fmt.Sprint(hubNames(t, url)); got != "[call default flag rest]" {
		t.Errorf("hubs = %s, want call default flag rest", got)
	}
	all := []string{"default", "flag", "rest", "call"}
	for _, hub := range all {
		startIn(t, conn, hub, "of-"+hub)
		startIn(t, conn, hub, "same")
	}
	check := func(when string, hubs []string) {
		t.Helper()
		for _, hub := range hubs {
			for _, other := range all {
				if got, want := exists(t, url, conn, hub, "of-"+other), other == hub; got != want {
					t.Errorf("%s hub %q has the instance of %q is %t, want %t", when, hub, other, got, want)
				}
			}
		}
	}
	check("at first", all)
	// The query parameter is for those who cannot send headers.
	if got, body := ask(t, "GET", url+"/api/v1/runs/of-flag?taskhub=flag", ""); got != http.StatusOK {
		t.Errorf("GET ?taskhub=flag = %d %s, want 200", got, body)
	}
	if got, body := ask(t, "GET", url+"/api/v1/runs/of-flag?taskhub=flag", "", "taskhub", "rest"); got != http.StatusBadRequest {
		t.Errorf("GET with two hubs = %d %s, want 400", got, body)
	}
	for _, path := range []string{"/api/v1/runs", "/api/v1/info", "/v1/models", "/api/health"} {
		if got, body := ask(t, "GET", url+path, "", "taskhub", "none"); got != http.StatusNotFound || !strings.Contains(body, `no task hub \"none\"`) {
			t.Errorf("GET %s in a hub that there is not = %d %s, want 404", path, got, body)
		}
	}

	if err := stop(); err != nil {
		t.Fatal(err)
	}
	app, _ = start(t, config(dir)) // without the flag: the folder knows
	url, conn = app.URL(), rpc(t, app.URL(), nil)
	check("after a restart", all)

	if err := create("call", true); err != nil {
		t.Errorf("CreateTaskHub that empties = %v, want OK", err)
	}
	if got, body := ask(t, "DELETE", url+"/api/v1/hubs/rest", ""); got != http.StatusOK {
		t.Errorf("delete a hub over HTTP = %d %s, want 200", got, body)
	}
	if exists(t, url, conn, "call", "of-call") {
		t.Error("an instance is left in a hub that was emptied")
	}
	startIn(t, conn, "call", "again")
	err := invoke(t.Context(), conn, "rest", "", "GetInstance", &wirepb.GetInstanceRequest{InstanceId: "x"}, new(wirepb.GetInstanceResponse))
	if status.Code(err) != codes.NotFound {
		t.Errorf("GetInstance in a hub that was deleted = %v, want NotFound", err)
	}
	check("after others were deleted", []string{"default", "flag"})

	// The default hub is emptied, and the app's own client goes on with it.
	if err := invoke(t.Context(), conn, "", "", "DeleteTaskHub", new(wirepb.DeleteTaskHubRequest), new(wirepb.DeleteTaskHubResponse)); err != nil {
		t.Errorf("DeleteTaskHub(default) = %v, want OK", err)
	}
	if exists(t, url, conn, "default", "of-default") {
		t.Error("an instance is left in the default hub that was deleted")
	}
	if got, body := ask(t, "GET", url+"/readyz", ""); got != http.StatusOK {
		t.Errorf("readyz after the default hub was emptied = %d %s, want 200", got, body)
	}
	startIn(t, conn, "", "new")
	if err := app.Client().Raise(t.Context(), "new", "ApprovalDecision", true); err != nil {
		t.Errorf("Raise by the app's client = %v, want nil", err)
	}
	check("after the default hub was emptied", []string{"flag"})
}

// TestHubsChangeUnderLoad empties a hub over and over while others call it and its
// neighbour: the neighbour never notices.
func TestHubsChangeUnderLoad(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.TaskHubs = []string{"busy", "quiet"}
	app, _ := start(t, cfg)
	conn := rpc(t, app.URL(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			in := &wirepb.CreateInstanceRequest{InstanceId: fmt.Sprint("q", i), Name: "Approve"}
			if err := invoke(t.Context(), conn, "quiet", "", "StartInstance", in, new(wirepb.CreateInstanceResponse)); err != nil {
				done <- fmt.Errorf("the neighbour: %w", err)
				return
			}
		}
		done <- nil
	}()
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			in := &wirepb.CreateInstanceRequest{InstanceId: fmt.Sprint("b", i), Name: "Approve"}
			err := invoke(t.Context(), conn, "busy", "", "StartInstance", in, new(wirepb.CreateInstanceResponse))
			if c := status.Code(err); c != codes.OK && c != codes.Unavailable {
				done <- fmt.Errorf("the hub that is emptied: %w", err)
				return
			}
		}
		done <- nil
	}()
	for range 20 {
		if err := invoke(t.Context(), conn, "busy", "", "CreateTaskHub", &wirepb.CreateTaskHubRequest{RecreateIfExists: true}, new(wirepb.CreateTaskHubResponse)); err != nil {
			t.Errorf("CreateTaskHub under load = %v, want OK", err)
		}
	}
	cancel()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestIdleHubs shows what a hub that is not used costs.
func TestIdleHubs(t *testing.T) {
	cfg := config(t.TempDir())
	app, _ := start(t, cfg)
	before := inUse()
	const n = 50
	for i := range n {
		if got, body := ask(t, "POST", app.URL()+"/api/v1/hubs", fmt.Sprintf(`{"name":"h%d"}`, i)); got != http.StatusOK {
			t.Fatalf("make a hub = %d %s, want 200", got, body)
		}
	}
	each := (inUse() - before) / n
	t.Logf("%d KB a hub", each>>10)
	if each > 1<<20 {
		t.Errorf("an idle hub takes %d KB, want at most 1 MB", each>>10)
	}
}

func bad(cfg host.Config) error {
	_, err := host.New(cfg)
	return err
}

func TestHubNames(t *testing.T) {
	for _, name := range []string{"", "a b", "../x", "x/y", ".", strings.Repeat("x", 101), "ä"} {
		if err := bad(host.Config{TaskHubs: []string{name}}); err == nil || !strings.Contains(err.Error(), "task hubs:") {
			t.Errorf("New(TaskHubs %q) = %v, want an error", name, err)
		}
	}
	if err := bad(host.Config{TaskHubs: []string{"a", "Sales-eu.2", "x_y"}}); err != nil {
		t.Errorf("New() = %v, want nil", err)
	}
}
