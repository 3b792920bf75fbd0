package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure/internal/wire/wirepb"
)

const sidecar = "/TaskHubSidecarService/"

// remote is a program that works with a server over gRPC.
type remote struct {
	*testing.T
	conn *grpc.ClientConn
	ctx  context.Context
}

func connectRPC(t *testing.T, address string, roots *x509.CertPool) *remote {
	t.Helper()
	creds := insecure.NewCredentials()
	if roots != nil {
		creds = credentials.NewTLS(&tls.Config{RootCAs: roots})
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(t.Context(), "taskhub", "orders"), time.Minute)
	t.Cleanup(cancel)
	return &remote{t, conn, ctx}
}

func (r *remote) call(method string, in, out proto.Message) {
	r.Helper()
	if err := r.conn.Invoke(r.ctx, sidecar+method, in, out, grpc.WaitForReady(true)); err != nil {
		r.Fatalf("%s = %v", method, err)
	}
}

func (r *remote) start(id string) {
	r.Helper()
	r.call("StartInstance", &wirepb.CreateInstanceRequest{InstanceId: id, Name: "elsewhere", Input: wrapperspb.String(`"in"`)}, new(wirepb.CreateInstanceResponse))
}

// workItems opens a stream of work items.
func (r *remote) workItems() grpc.ClientStream {
	r.Helper()
	s, err := r.conn.NewStream(r.ctx, &grpc.StreamDesc{ServerStreams: true}, sidecar+"GetWorkItems")
	if err == nil {
		err = s.SendMsg(new(wirepb.GetWorkItemsRequest))
	}
	if err == nil {
		err = s.CloseSend()
	}
	if err != nil {
		r.Fatal(err)
	}
	return s
}

// turn reads until there is a turn of an instance.
func (r *remote) turn(s grpc.ClientStream, id string) *wirepb.WorkItem {
	r.Helper()
	for {
		item := new(wirepb.WorkItem)
		if err := s.RecvMsg(item); err != nil {
			r.Fatalf("waiting for a turn of %s: %v", id, err)
		}
		if item.GetOrchestratorRequest().GetInstanceId() == id {
			return item
		}
	}
}

// complete ends the run of a turn.
func (r *remote) complete(item *wirepb.WorkItem) {
	r.Helper()
	end := &wirepb.CompleteOrchestrationAction{OrchestrationStatus: wirepb.OrchestrationStatus_ORCHESTRATION_STATUS_COMPLETED, Result: wrapperspb.String(`"out"`)}
	r.call("CompleteOrchestratorTask", &wirepb.OrchestratorResponse{
		InstanceId: item.GetOrchestratorRequest().GetInstanceId(), CompletionToken: item.GetCompletionToken(),
		Actions: []*wirepb.OrchestratorAction{{Id: 1, OrchestratorActionType: &wirepb.OrchestratorAction_CompleteOrchestration{CompleteOrchestration: end}}},
	}, new(wirepb.CompleteTaskResponse))
}

// wantOutput waits for the end of a run, over gRPC, and looks at it over HTTP.
func (r *remote) wantOutput(c *http.Client, url, id string) {
	r.Helper()
	out := new(wirepb.GetInstanceResponse)
	r.call("WaitForInstanceCompletion", &wirepb.GetInstanceRequest{InstanceId: id, GetInputsAndOutputs: true}, out)
	if got := out.GetOrchestrationState().GetOutput().GetValue(); got != `"out"` {
		r.Errorf("the run %s ended as %v, want the output \"out\"", id, out)
	}
	q, err := http.NewRequestWithContext(r.ctx, "GET", url+"/api/v1/runs/"+id, nil)
	if err != nil {
		r.Fatal(err)
	}
	q.Header.Set("taskhub", "orders")
	response, err := c.Do(q)
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var run struct{ Status string }
	if err := json.NewDecoder(response.Body).Decode(&run); err != nil || run.Status != "completed" {
		r.Errorf("over HTTP the run %s is %q, %v, want it completed", id, run.Status, err)
	}
}

// certificateFiles writes a certificate for 127.0.0.1 and returns who trusts it.
func certificateFiles(t *testing.T, cert, private string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, private: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return pool
}

// TestServer runs the real process, in plaintext and with TLS: gRPC and HTTP on one
// port, kill -9 in the middle of a turn, the same turn again after the restart, and
// a stop that ends streams well.
func TestServer(t *testing.T) {
	for _, secure := range []bool{false, true} {
		dir := t.TempDir()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		_ = l.Close()
		args := []string{"server", "--data", filepath.Join(dir, "data"), "--addr", addr, "--task-hub", "orders"}
		var roots *x509.CertPool
		scheme := "http://"
		if secure {
			cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
			roots = certificateFiles(t, cert, key)
			args = append(args, "--tls-cert", cert, "--tls-key", key)
			scheme = "https://"
		}
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}

		first, out, _ := process(t, args...)
		if got := address(t, out); got != scheme+addr {
			t.Fatalf("the banner says %q, want %s", got, scheme+addr)
		}
		r := connectRPC(t, addr, roots)
		r.start("a")
		work := r.workItems()
		r.complete(r.turn(work, "a"))
		r.wantOutput(client, scheme+addr, "a")
		r.start("b")
		r.turn(work, "b") // and never completed
		if err := first.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = first.Wait()

		second, out, _ := process(t, args...)
		address(t, out)
		r = connectRPC(t, addr, roots)
		r.wantOutput(client, scheme+addr, "a")
		work = r.workItems()
		r.complete(r.turn(work, "b"))
		r.wantOutput(client, scheme+addr, "b")
		if err := second.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		for err = nil; err == nil; {
			err = work.RecvMsg(new(wirepb.WorkItem))
		}
		if err != io.EOF {
			t.Errorf("at a stop the stream of work ended with %v, want OK", err)
		}
		rest, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := second.Wait(); err != nil {
			t.Errorf("a stop = %v, want exit 0", err)
		}
		if !strings.Contains(string(rest), "Endpoint="+scheme+addr+";TaskHub=default;Authentication=None") {
			t.Errorf("the banner says %s, want a connection string", rest)
		}
	}
}
