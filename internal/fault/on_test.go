//go:build faults

package fault_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/perdure/perdure/internal/fault"
)

func TestFail(t *testing.T) {
	t.Cleanup(fault.Reset)
	disk := errors.New("disk on fire")
	fault.Set(fault.CommitBefore, fault.On("a", fault.Nth(2, fault.Fail(disk))))
	var got []bool
	for _, node := range []string{"b", "a", "b", "a", "a"} {
		got = append(got, errors.Is(fault.Hit(fault.CommitBefore, node), disk))
	}
	if want := []bool{false, false, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("hits that failed = %v, want %v", got, want)
	}
	if got := fault.Hits(fault.CommitBefore); got != 5 {
		t.Errorf("Hits = %d, want 5", got)
	}
	fault.Set(fault.CommitBefore, fault.Fail(disk))
	fault.Clear()
	if err := fault.Hit(fault.CommitBefore, "a"); err != nil {
		t.Errorf("Hit after Clear = %v, want nil", err)
	}
}

func TestCallAndHold(t *testing.T) {
	t.Cleanup(fault.Reset)
	var crashed []string
	fault.Set(fault.TurnAfter, fault.Call(func(node string) { crashed = append(crashed, node) }))
	if err := fault.Hit(fault.TurnAfter, "n1"); err != nil || !slices.Equal(crashed, []string{"n1"}) {
		t.Errorf("Hit = %v, crashed = %v, want nil and n1", err, crashed)
	}

	reached, release := make(chan string), make(chan struct{})
	fault.Set(fault.TimerFire, fault.Hold(reached, release))
	var wg sync.WaitGroup
	done := make(chan error, 1)
	wg.Go(func() { done <- fault.Hit(fault.TimerFire, "n2") })
	if node := <-reached; node != "n2" {
		t.Errorf("node reached = %q, want n2", node)
	}
	select {
	case err := <-done:
		t.Errorf("Hit returned %v before it was released", err)
	default:
	}
	close(release)
	wg.Wait()
	if err := <-done; err != nil {
		t.Errorf("Hit = %v, want nil", err)
	}
}

func TestMutants(t *testing.T) {
	t.Cleanup(fault.Reset)
	fault.SetMutant(fault.AckBeforeSync, true)
	if !fault.Mutant(fault.AckBeforeSync) || fault.Mutant(fault.ReadBeforeSync) {
		t.Error("a mutation other than the one switched on is on")
	}
	fault.SetMutant(fault.AckBeforeSync, false)
	if fault.Mutant(fault.AckBeforeSync) {
		t.Error("Mutant = true after it was switched off")
	}
}

func TestStatements(t *testing.T) {
	t.Cleanup(fault.Reset)
	fault.Always(true, "holds")
	fault.Sometimes(false, "never seen")
	fault.Sometimes(true, "seen")
	fault.Sometimes(false, "seen")
	if got := fault.Violations(); len(got) != 0 {
		t.Errorf("Violations() = %v, want none", got)
	}
	fault.Always(false, "broken")
	fault.Unreachable("reached after all")
	got := fault.Violations()
	if len(got) != 2 || !strings.Contains(got[0], "broken") || !strings.Contains(got[1], "reached after all") ||
		!strings.Contains(got[0], "TestStatements") {
		t.Errorf("Violations() = %v, want two with their stacks", got)
	}

	for _, p := range fault.Points() {
		if p != fault.TimerFire {
			_ = fault.Hit(p, "n")
		}
	}
	want := []string{"never reached", "never seen", "timer.fire"}
	if diff := cmp.Diff(want, fault.Unexercised([]string{"never reached", "seen"})); diff != "" {
		t.Errorf("Unexercised() differs (-want +got):\n%s", diff)
	}
}

func TestConfigure(t *testing.T) {
	t.Cleanup(fault.Reset)
	if err := fault.Configure(" ack-before-sync, turn.before=fail#2,timer.fire=delay:1ns,turn.after=stop#9"); err != nil {
		t.Fatal(err)
	}
	if !fault.Mutant(fault.AckBeforeSync) {
		t.Error("Mutant(ack-before-sync) = false, want true")
	}
	first, second := fault.Hit(fault.TurnBefore, "n"), fault.Hit(fault.TurnBefore, "n")
	if first != nil || !errors.Is(second, fault.ErrInjected) {
		t.Errorf("Hit(turn.before) = %v, then %v, want nil, then ErrInjected", first, second)
	}
	if err := fault.Hit(fault.TimerFire, "n"); err != nil {
		t.Errorf("Hit(timer.fire) = %v, want nil", err)
	}
	for _, bad := range []string{"nothing", "turn.never=fail", "turn.before=explode", "turn.before=delay:x",
		"turn.before=fail#0", "turn.before=fail#x", "turn.before"} {
		if err := fault.Configure(bad); err == nil {
			t.Errorf("Configure(%q) = nil, want an error", bad)
		}
	}
}

func TestDeclared(t *testing.T) {
	source := fstest.MapFS{
		"a/a.go":          {Data: []byte("package a\nfunc f() { fault.Sometimes(x, \"two\"); fault.Sometimes(y, \"one\") }")},
		"a/a_test.go":     {Data: []byte("package a\nfunc f() { fault.Sometimes(x, \"in a test\") }")},
		"testdata/b.go":   {Data: []byte("not Go")},
		"a/other.go":      {Data: []byte("package a\nfunc g() { other.Sometimes(x, \"other\"); Sometimes(x, \"bare\") }")},
		"a/notes.txt":     {Data: []byte("fault.Sometimes")},
		"a/unrelated.go":  {Data: []byte("package a\nfunc h() { fault.Always(x, \"always\") }")},
		"a/testdata/c.go": {Data: []byte("not Go")},
	}
	got, err := fault.Declared(source)
	if diff := cmp.Diff([]string{"one", "two"}, got); err != nil || diff != "" {
		t.Errorf("Declared() error %v, differs (-want +got):\n%s", err, diff)
	}
	source["a/bad.go"] = &fstest.MapFile{Data: []byte("package a\nfunc f() { fault.Sometimes(x, name) }")}
	if got, err := fault.Declared(source); err == nil {
		t.Errorf("Declared(name that is no literal) = %v, want an error", got)
	}
}
