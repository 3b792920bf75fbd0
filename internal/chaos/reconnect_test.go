package chaos_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/perdure/perdure/internal/wire/wirepb"
)

// What may be in use beside what was before. Client and server share the process.
const (
	heapCeiling      = 24 << 20
	goroutineCeiling = 50
)

// measure returns what is in use, once no more goroutines run than there may be.
func measure(goroutines int) (heap int64, now int) {
	for end := time.Now().Add(10 * time.Second); ; {
		if now = runtime.NumGoroutine(); now <= goroutines || time.Now().After(end) {
			break
		}
		<-time.After(5 * time.Millisecond)
	}
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), now
}

// TestT12_Reconnects has workers come and go, in order and by loss of their
// connection, each with items in its hands: what they leave behind is bounded, and the
// items are done in the end.
func TestT12_Reconnects(t *testing.T) {
	normalOnly(t)
	reconnects := 1000
	if soak() {
		reconnects = 10_000
	}
	addr := serve(t, config())
	c := &client{dial(t, addr), "default"}
	const waiting = 40
	for i := range waiting {
		c.begin(t, "child", fmt.Sprint("turn-", i), i)
	}
	for range 50 { // what is made once is there now
		reconnect(t, addr, false)
	}
	heap, goroutines := measure(goroutineCeiling)
	for i := range reconnects {
		reconnect(t, addr, i%4 == 3)
	}
	gotHeap, got := measure(goroutines + goroutineCeiling)
	if gotHeap > heap+heapCeiling || got > goroutines+goroutineCeiling {
		t.Errorf("after %d reconnects %d bytes and %d goroutines are in use, before %d and %d", reconnects, gotHeap, got, heap, goroutines)
	}
	t.Logf("%d reconnects: heap %d to %d, goroutines %d to %d", reconnects, heap, gotHeap, goroutines, got)
	done := hold(t, addr, "default", held())
	done.serveRest()
	for i := range waiting {
		c.ends(t, fmt.Sprint("turn-", i), 2*i)
	}
}

// reconnect connects a worker, which gets items, and ends it: in order, or by cutting
// its connection. Items of workers that are lost are counted against them, so those that
// are cut take none.
func reconnect(t *testing.T, addr string, lost bool) {
	t.Helper()
	var raw net.Conn
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", addr)
		raw = c
		return c, err
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	w := &worker{conn: conn, hub: "default", id: "w"}
	ctx, cancel := context.WithTimeout(w.meta(t.Context()), 20*time.Second)
	defer cancel()
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, sidecar+"GetWorkItems")
	if err != nil {
		t.Fatal(err)
	}
	in, items := &wirepb.GetWorkItemsRequest{WorkItemFilters: held()}, 5
	if lost {
		in, items = &wirepb.GetWorkItemsRequest{WorkItemFilters: &wirepb.WorkItemFilters{}}, 1 // a ping
	}
	if err := s.SendMsg(in); err != nil {
		t.Fatal(err)
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for range items {
		if err := s.RecvMsg(new(wirepb.WorkItem)); err != nil {
			t.Fatal(err)
		}
	}
	if lost {
		_ = raw.(*net.TCPConn).SetLinger(0)
		_ = raw.Close()
	}
}
