package push_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/hub/push"
	"github.com/perdure/perdure/store/memory"
)

// fleet runs a fleet over a disk until the function returned is called.
func fleet(t *testing.T, disk *memory.Disk) (*push.Fleet, *world, func()) {
	reg := perdure.NewRegistry()
	push.Register(reg)
	near, stopHub := startLocal(t, disk, reg, clock.System())
	return begin(t, near, stopHub)
}

func begin(t *testing.T, near *local.Hub, stopHub func()) (*push.Fleet, *world, func()) {
	transport := &http.Transport{}
	f := push.NewFleet(push.FleetConfig{Hub: near, Near: near, Transport: transport})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f.Run(ctx) }()
	calls, end := context.WithTimeout(t.Context(), 30*time.Second)
	return f, &world{t, near, calls}, func() {
		cancel()
		<-done
		transport.CloseIdleConnections()
		end()
		stopHub()
	}
}

// TestFleet registers a worker, which says what it takes, has it do work before and
// after a restart of the hub, and removes it.
func TestFleet(t *testing.T) {
	disk := &memory.Disk{}
	f, w, stop := fleet(t, disk)
	handler, _ := w.handler(one(plain), nil)
	server := httptest.NewServer(handler)
	defer server.Close()
	added, err := f.Add(w.ctx, push.Registration{Name: "w1", URL: server.URL, Secret: string(key)})
	if err != nil || cmp.Diff(added.Orchestrations, []string{"one"}) != "" || cmp.Diff(added.Activities, []string{"act"}) != "" {
		t.Fatalf("Add() = %+v, %v, want it to take one and act", added, err)
	}
	w.start("one", "a")
	w.ends("a", `"done"`)
	stop()
	f, w, stop = fleet(t, disk)
	defer func() { stop() }()
	w.start("one", "b")
	w.ends("b", `"done"`)
	list, err := f.List(w.ctx)
	if err != nil || len(list) != 1 || list[0].Name != "w1" || list[0].Secret != "" || list[0].Places != 10 || list[0].SilenceSeconds != 300 {
		t.Errorf("List() = %+v, %v, want w1 without its secret", list, err)
	}
	if err := f.Remove(w.ctx, "w1"); err != nil {
		t.Fatal(err)
	}
	if err := f.Remove(w.ctx, "w1"); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Remove() of one that is removed = %v, want not found", err)
	}
	w.start("one", "c")
	w.until("nobody takes its work", func() bool {
		loads, err := w.hub.Demand(w.ctx)
		return err == nil && len(loads) == 1 && loads[0].Waiting == 1
	})
}

// TestFleetReplaces registers a worker anew, at another place and with a new secret.
func TestFleetReplaces(t *testing.T) {
	f, w, stop := fleet(t, &memory.Disk{})
	defer stop()
	gone := httptest.NewServer(http.NotFoundHandler())
	defer gone.Close()
	r := push.Registration{Name: "w1", URL: gone.URL, Orchestrations: []string{"one"}, Activities: []string{"act"}}
	added, err := f.Add(w.ctx, r)
	if err != nil || !strings.HasPrefix(added.Secret, "whsec_") {
		t.Fatalf("Add() = %+v, %v, want a new secret", added, err)
	}
	w.start("one", "a")
	w.until("it cannot be called", func() bool {
		list, err := f.List(w.ctx)
		return err == nil && len(list) == 1 && strings.Contains(list[0].Cause, "404")
	})
	handler, _ := w.handler(one(plain), nil)
	server := httptest.NewServer(handler)
	defer server.Close()
	r.URL, r.Secret = server.URL, string(key)
	if _, err := f.Add(w.ctx, r); err != nil {
		t.Fatal(err)
	}
	w.ends("a", `"done"`)
}

func TestFleetRefuses(t *testing.T) {
	f, w, stop := fleet(t, &memory.Disk{})
	defer stop()
	nobody := httptest.NewServer(http.NotFoundHandler())
	defer nobody.Close()
	good := push.Registration{Name: "w", URL: nobody.URL, Secret: string(key), Activities: []string{"act"}}
	for name, c := range map[string]struct {
		change func(*push.Registration)
		want   perdure.Code
	}{
		"a bad name":     {func(r *push.Registration) { r.Name = "a b" }, perdure.InvalidArgument},
		"no name":        {func(r *push.Registration) { r.Name = "" }, perdure.InvalidArgument},
		"another scheme": {func(r *push.Registration) { r.URL = "file:///etc/passwd" }, perdure.InvalidArgument},
		"no host":        {func(r *push.Registration) { r.URL = "http:///x" }, perdure.InvalidArgument},
		"a password":     {func(r *push.Registration) { r.URL = "http://u:p@example.com" }, perdure.InvalidArgument},
		"a short secret": {func(r *push.Registration) { r.Secret = "x" }, perdure.InvalidArgument},
		"many places":    {func(r *push.Registration) { r.Places = 1001 }, perdure.InvalidArgument},
		"long silence":   {func(r *push.Registration) { r.SilenceSeconds = 1 << 30 }, perdure.InvalidArgument},
		"says nothing":   {func(r *push.Registration) { r.Activities = nil }, perdure.FailedPrecondition},
	} {
		r := good
		c.change(&r)
		if _, err := f.Add(w.ctx, r); perdure.CodeOf(err) != c.want {
			t.Errorf("Add() with %s = %v, want %v", name, err, c.want)
		}
	}
	if list, err := f.List(w.ctx); err != nil || len(list) != 0 {
		t.Errorf("List() = %v, %v, want none", list, err)
	}
}
