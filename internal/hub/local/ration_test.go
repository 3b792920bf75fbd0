package local_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store/memory"
)

// TestRation gives a stream places bit by bit. It gets as many items, is told once that
// there are more, and told again after each ration.
func TestRation(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	h, stop := serveNobody(t)
	defer stop()
	s, err := h.Connect(ctx, &hub.Worker{Orchestrations: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(false)
	r := s.(hub.Rationed)
	ration := func(n, taken int) {
		t.Helper()
		got, err := r.Ration(ctx, hub.Places{Orchestrations: n, Activities: 1})
		if want := (hub.Places{Orchestrations: taken}); err != nil || got != want {
			t.Fatalf("Ration(%d) = %+v, %v, want %+v", n, got, err, want)
		}
	}
	next := func() string {
		t.Helper()
		w, err := s.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case w.Orchestration != nil:
			return "item"
		case w.More != nil:
			return fmt.Sprintf("more %+v", *w.More)
		}
		return "something else"
	}
	const more = "more {Orchestrations:true Activities:false Entities:false}"
	// Without a place it is told when the first item comes, and not of the next ones.
	ration(0, 0)
	for i := range 5 {
		if _, err := h.Start(ctx, &hub.Start{InstanceID: fmt.Sprint(i), Name: "run"}); err != nil {
			t.Fatal(err)
		}
	}
	got := []string{next()}
	ration(2, 2)
	got = append(got, next(), next(), next())
	// Fewer places than it has items change nothing for these.
	ration(1, 2)
	got = append(got, next())
	ration(5, 5)
	got = append(got, next(), next(), next())
	if diff := cmp.Diff([]string{more, "item", "item", more, more, "item", "item", "item"}, got); diff != "" {
		t.Errorf("what came (-want +got):\n%s", diff)
	}
	// Nothing more is there, until another one is started.
	now, end := context.WithCancel(ctx)
	end()
	if w, err := s.Next(now); err == nil {
		t.Errorf("Next() = %+v, want nothing", w)
	}
	if _, err := h.Start(ctx, &hub.Start{InstanceID: "5", Name: "run"}); err != nil {
		t.Fatal(err)
	}
	if got := next(); got != more {
		t.Errorf("Next() = %s, want %s", got, more)
	}
}

// serveNobody runs a hub without code.
func serveNobody(t *testing.T) (*local.Hub, func()) {
	t.Helper()
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := local.New(local.Config{Store: s, Registry: perdure.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	return h, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	}
}
