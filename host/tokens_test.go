package host_test

import (
	"context"
	"crypto/sha256"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// writeTokens writes a file of tokens, each given as NAME ROLE HUB; the token is its
// name.
func writeTokens(t *testing.T, file string, tokens ...string) {
	t.Helper()
	var lines []string
	for _, token := range tokens {
		f := strings.Fields(token)
		r, err := access.RoleOf(f[1])
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, access.Entry{Name: f[0], Role: r, Hub: f[2], Hash: sha256.Sum256([]byte(f[0]))}.String())
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}

// guarded starts an app with two hubs that demands tokens.
func guarded(t *testing.T, tokens ...string) (app *host.App, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "tokens")
	writeTokens(t, file, tokens...)
	cfg := config(t.TempDir())
	cfg.Tokens, cfg.TaskHubs = file, []string{"a", "b"}
	app, _ = start(t, cfg)
	return app, file
}

// methods says who may call which methods of the protocol.
func methods() map[string][]string {
	reads := strings.Fields("GetInstance QueryInstances ListInstanceIds GetEntity QueryEntities")
	writes := strings.Fields(`StartInstance RewindInstance RestartInstance RaiseEvent TerminateInstance SuspendInstance ResumeInstance
		PurgeInstances CreateTaskHub DeleteTaskHub SignalEntity CleanEntityStorage SkipGracefulOrchestrationTerminations`)
	works := strings.Fields(`CompleteActivityTask CompleteOrchestratorTask CompleteEntityTask
		AbandonTaskActivityWorkItem AbandonTaskOrchestratorWorkItem AbandonTaskEntityWorkItem`)
	all := map[string][]string{"Hello": {"reader", "worker", "contributor"}, "WaitForInstanceStart": {"reader", "contributor"}, "WaitForInstanceCompletion": {"reader", "contributor"}}
	for _, m := range reads {
		all[m] = []string{"reader", "contributor"}
	}
	for _, m := range writes {
		all[m] = []string{"contributor"}
	}
	for _, m := range works {
		all[m] = []string{"worker", "contributor"}
	}
	return all
}

// TestRolesOfMethods calls every method as every role, in the own hub, a foreign one
// and one that there is not.
func TestRolesOfMethods(t *testing.T) {
	app, _ := guarded(t, "reader reader a", "worker worker a", "contributor contributor a")
	conn := rpc(t, app.URL(), nil)
	call := func(hub, token, method string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if strings.HasPrefix(method, "WaitFor") {
			ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond) // they wait
			defer cancel()
		}
		return invoke(ctx, conn, hub, token, method, new(emptypb.Empty), new(emptypb.Empty))
	}
	calls := 0
	for method, allowed := range methods() {
		if err := call("a", "", method); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s without a token = %v, want Unauthenticated", method, err)
		}
		if err := call("a", "guess", method); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s with a token that is not known = %v, want Unauthenticated", method, err)
		}
		for _, role := range []string{"reader", "worker", "contributor"} {
			foreign, missing := call("b", role, method), call("c", role, method)
			want := strings.ReplaceAll(status.Convert(missing).Message(), `"c"`, `"b"`)
			if status.Code(foreign) != codes.NotFound || status.Convert(foreign).Message() != want {
				t.Errorf("%s in a foreign hub as %s = %v, want it as for a hub that there is not: %v", method, role, foreign, missing)
			}
			if method == "DeleteTaskHub" && role == "contributor" {
				continue // the others need the hub
			}
			err := call("a", role, method)
			if got, want := status.Code(err) == codes.PermissionDenied, !slices.Contains(allowed, role); got != want {
				t.Errorf("%s as %s = %v, want it to be refused is %t", method, role, err, want)
			}
			if c := status.Code(err); c == codes.Unauthenticated || c == codes.Unknown || c == codes.Internal {
				t.Errorf("%s as %s = %v", method, role, err)
			}
			calls++
		}
	}
	if calls < 26*3 {
		t.Errorf("%d calls were made, want those of every method", calls)
	}
	if err := serving(t.Context(), conn); err != nil {
		t.Errorf("health without a token = %v, want it to be told", err)
	}
}

// workItems opens a stream of work items and reads its first message.
func workItems(ctx context.Context, t *testing.T, conn *grpc.ClientConn, hub, token string) (grpc.ClientStream, error) {
	t.Helper()
	s, err := conn.NewStream(outgoing(ctx, hub, token), &grpc.StreamDesc{ServerStreams: true}, sidecar+"GetWorkItems")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SendMsg(new(wirepb.GetWorkItemsRequest)); err != nil {
		t.Fatal(err)
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	return s, s.RecvMsg(new(wirepb.WorkItem))
}

// TestRevokedTokens takes a token out of the file: calls and streams with it end
// within a second, those with another go on.
func TestRevokedTokens(t *testing.T) {
	app, file := guarded(t, "old contributor a", "new contributor a")
	conn := rpc(t, app.URL(), nil)
	watch := func(token string) chan error {
		ended := make(chan error, 1)
		go func() {
			ended <- invoke(t.Context(), conn, "a", token, "WaitForInstanceCompletion", &wirepb.GetInstanceRequest{InstanceId: "never"}, new(wirepb.GetInstanceResponse))
		}()
		return ended
	}
	oldWait, newWait := watch("old"), watch("new")
	get := func(token string) int {
		s, _ := ask(t, "GET", app.URL()+"/api/v1/runs", "", "taskhub", "a", "Authorization", "Bearer "+token)
		return s
	}
	stream, err := http.NewRequestWithContext(t.Context(), "GET", app.URL()+"/api/v1/stream?topics=runs", nil)
	if err != nil {
		t.Fatal(err)
	}
	stream.Header.Set("taskhub", "a")
	stream.Header.Set("Authorization", "Bearer old")
	sse, err := http.DefaultClient.Do(stream)
	if err != nil || sse.StatusCode != http.StatusOK {
		t.Fatalf("GET /api/v1/stream = %v, %v, want 200", sse, err)
	}
	defer func() { _ = sse.Body.Close() }()
	streamEnded := make(chan struct{})
	go func() {
		defer close(streamEnded)
		for buf := make([]byte, 1024); err == nil; {
			_, err = sse.Body.Read(buf)
		}
	}()
	if get("old") != http.StatusOK || get("new") != http.StatusOK {
		t.Fatalf("GET with both tokens = %d, %d, want 200", get("old"), get("new"))
	}
	began := time.Now()
	writeTokens(t, file, "new contributor a")
	if err := <-oldWait; status.Code(err) != codes.Unauthenticated {
		t.Errorf("the wait ended with %v, want Unauthenticated", err)
	}
	<-streamEnded
	if got := get("old"); got != http.StatusUnauthorized {
		t.Errorf("GET with the old token = %d, want 401", got)
	}
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("the token held for %v, want at most 1 s", took)
	}
	select {
	case err := <-newWait:
		t.Errorf("the wait with the other token ended: %v", err)
	default:
	}
	if got := get("new"); got != http.StatusOK {
		t.Errorf("GET with the other token = %d, want 200", got)
	}
}

// TestAddressesOfOthers says what an address needs that others can reach.
func TestAddressesOfOthers(t *testing.T) {
	dir := t.TempDir()
	files, tokens := host.TLS{Cert: filepath.Join(dir, "c"), Key: filepath.Join(dir, "k")}, filepath.Join(dir, "tokens")
	writeCertificate(t, files, 1)
	writeTokens(t, tokens, "x reader *")
	for _, c := range []struct {
		cfg host.Config
		ok  bool
	}{
		{host.Config{}, false},
		{host.Config{TLS: files}, false},
		{host.Config{Tokens: tokens}, false},
		{host.Config{TLS: files, Tokens: tokens}, true},
		{host.Config{UnsafeListen: true}, true},
	} {
		c.cfg.Addr, c.cfg.Listen = "127.0.0.1:0", []string{"0.0.0.0:0"}
		if err := bad(c.cfg); (err == nil) != c.ok {
			t.Errorf("New(TLS %t, tokens %t, unsafe %t) for 0.0.0.0 = %v, want it to be allowed is %t",
				c.cfg.TLS != host.TLS{}, c.cfg.Tokens != "", c.cfg.UnsafeListen, err, c.ok)
		}
	}
	files.Clients = files.Cert
	if err := bad(host.Config{TLS: files}); err == nil || !strings.Contains(err.Error(), "the file of tokens") {
		t.Errorf("New() with certificates of clients and no tokens = %v, want an error", err)
	}
	if err := bad(host.Config{Tokens: tokens + "x"}); err == nil || !strings.Contains(err.Error(), "tokens:") {
		t.Errorf("New() without the file of tokens = %v, want an error", err)
	}
}
