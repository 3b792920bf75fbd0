package httpapi

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/store"
)

// TestMarks checks marks against those that the dashboard's test has.
func TestMarks(t *testing.T) {
	for id, want := range map[string]idMark{"": 0x1c9d44, "order-42": 0x2446a3, "größe/1%": 0x3df48f} {
		if got := idMarkOf(id); got != want {
			t.Errorf("idMarkOf(%q) = %#x, want %#x", id, got, want)
		}
	}
	got, err := heldParam("HJ1EJEaj")
	if diff := cmp.Diff([]idMark{0x1c9d44, 0x2446a3}, got); diff != "" || err != nil {
		t.Errorf("heldParam = %v, (-want +got)\n%s", err, diff)
	}
	for _, bad := range []string{"HJ1E*", "HJ1EJE", "HJ1E="} {
		if got, err := heldParam(bad); err == nil {
			t.Errorf("heldParam(%q) = %v, want an error", bad, got)
		}
	}
}

// TestTicksOfViewers tells three viewers of many changes: each is told one by one of what it
// holds or shows, and of the rest how many there were.
func TestTicksOfViewers(t *testing.T) {
	var changes []store.Change
	for i := range quietTick {
		changes = append(changes, store.Change{ID: fmt.Sprintf("run-%d", i), Version: 1}, store.Change{ID: fmt.Sprintf("run-%d", i), Version: 2})
	}
	changes = append(changes, store.Change{ID: "dafx-joker~a~1", Version: 1}, store.Change{ID: "@counter@a", Version: 1}, store.Change{ID: "gone", Version: 1, Gone: true})
	tk := newTicker(nil, 1)
	holds := viewerOf(nil, []idMark{idMarkOf("run-3"), idMarkOf("run-5")})
	shows := viewerOf([]topic{{kind: "entities", prefix: "@counter@"}, {kind: "run", id: "run-3"}}, nil)
	other := viewerOf(nil, nil)
	for _, v := range []*viewer{holds, shows, other} {
		if !tk.join(v, tk.read, "p") {
			t.Fatal("join at the same position = false, want true")
		}
	}
	tk.hold(holds, "run-7") // it was told of one more
	tk.tell(changes, "q", false, nil)
	told := func(v *viewer) string {
		n := v.take()
		text := ""
		for _, c := range n.look {
			text += fmt.Sprintf("%s/%d ", c.ID, c.Version)
		}
		return fmt.Sprint(text, "begun ", n.begun, " skipped ", n.skipped, " to ", n.next)
	}
	for _, c := range []struct {
		v    *viewer
		want string
	}{
		{holds, "run-3/1 run-3/2 run-5/1 run-5/2 run-7/1 run-7/2 begun 17 skipped 36 to q"},
		{shows, "run-3/1 run-3/2 @counter@a/1 begun 19 skipped 40 to q"},
		{other, "begun 20 skipped 42 to q"},
	} {
		if diff := cmp.Diff(c.want, told(c.v)); diff != "" {
			t.Errorf("told (-want +got)\n%s", diff)
		}
	}
	tk.tell(changes[:quietTick], "r", false, nil)
	if n := other.take(); len(n.look) != quietTick || n.begun+n.skipped != 0 {
		t.Errorf("of %d changes %d were told one by one, %d begun, %d skipped; want all", quietTick, len(n.look), n.begun, n.skipped)
	}
	for _, v := range []*viewer{holds, shows, other} {
		tk.leave(v)
	}
	if len(tk.held)+len(tk.viewers) != 0 {
		t.Errorf("without viewers %d marks are held, want 0", len(tk.held))
	}
}

// TestSlowViewer wants a reset for a viewer that takes nothing, and little kept for it.
func TestSlowViewer(t *testing.T) {
	v := viewerOf(nil, nil)
	one := tick{look: make([]store.Change, quietTick), next: "p"}
	for range pendingMost/quietTick + 1 {
		v.give(one)
	}
	if n := v.take(); !n.reset || len(n.look) != 0 || n.next != "p" {
		t.Errorf("a slow viewer gets reset %v with %d changes to %q, want true, 0, p", n.reset, len(n.look), n.next)
	}
	v.give(one)
	if n := v.take(); n.reset || len(n.look) != quietTick {
		t.Errorf("after that it gets reset %v with %d changes, want false, %d", n.reset, len(n.look), quietTick)
	}
}

// TestJoinMissesNothing lets a viewer join only where it has read to the end after the
// others had.
func TestJoinMissesNothing(t *testing.T) {
	tk := newTicker(func(context.Context, store.Position, int) ([]store.Change, store.Position, bool, error) {
		return nil, "", false, nil
	}, 1)
	first, second := viewerOf(nil, nil), viewerOf(nil, nil)
	if !tk.join(first, tk.read, "a") {
		t.Error("the first viewer did not join")
	}
	tk.tell(nil, "c", false, nil)
	if tk.join(second, tk.read.Add(-1), "b") {
		t.Error("a viewer at b joined at c, that began to read before the others had read")
	}
	if !tk.join(second, tk.read, "b") {
		t.Error("a viewer that has read to the end since did not join")
	}
}
