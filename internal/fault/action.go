//go:build faults

package fault

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Action is what happens at a point, on the goroutine that reached it. Several
// goroutines may run it at once.
type Action func(node string) error

// Fail returns an action that fails with err.
func Fail(err error) Action { return func(string) error { return err } }

// Call returns an action that calls f, such as a simulated crash of the node.
func Call(f func(node string)) Action {
	return func(node string) error { f(node); return nil }
}

// Hold returns an action that says on reached, if not nil, which node has come,
// and waits until release is closed.
func Hold(reached chan<- string, release <-chan struct{}) Action {
	return func(node string) error {
		if reached != nil {
			reached <- node
		}
		<-release
		return nil
	}
}

// On returns an action that does a on one node and nothing on the others.
func On(node string, a Action) Action {
	return func(n string) error {
		if n != node {
			return nil
		}
		return a(n)
	}
}

// Nth returns an action that does a the nth time, counted from 1, and nothing
// before and after.
func Nth(n int, a Action) Action {
	var mu sync.Mutex // guards count
	count := 0
	return func(node string) error {
		mu.Lock()
		count++
		now := count == n
		mu.Unlock()
		if !now {
			return nil
		}
		return a(node)
	}
}

// Configure sets switches from text, for processes that a test starts. It is a
// list, separated by commas, of mutations and of points with what they do:
//
//	ack-before-sync,turn.before=fail,timer.fire=delay:20ms,commit.durable=exit#3
//
// fail fails with ErrInjected, delay waits, exit ends the process at once with
// status 137, stop stops it until somebody sends it SIGCONT. #n does it the nth time
// only.
func Configure(text string) error {
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		if err := configure(item); err != nil {
			return fmt.Errorf("fault %q: %w", item, err)
		}
	}
	return nil
}

func configure(item string) error {
	name, what, isPoint := strings.Cut(item, "=")
	if !isPoint {
		for _, m := range Mutations() {
			if string(m) == name {
				SetMutant(m, true)
				return nil
			}
		}
		return fmt.Errorf("no such mutation, have %v", Mutations())
	}
	action, err := parseAction(what)
	if err != nil {
		return err
	}
	for _, p := range Points() {
		if string(p) == name {
			Set(p, action)
			return nil
		}
	}
	return fmt.Errorf("no such point, have %v", Points())
}

func parseAction(text string) (Action, error) {
	text, nth, limited := strings.Cut(text, "#")
	verb, argument, _ := strings.Cut(text, ":")
	var action Action
	switch verb {
	case "fail":
		action = Fail(ErrInjected)
	case "exit":
		action = Call(func(string) { os.Exit(137) })
	case "stop":
		action = Call(func(string) { stop() })
	case "delay":
		d, err := time.ParseDuration(argument)
		if err != nil {
			return nil, err
		}
		action = Call(func(string) { time.Sleep(d) })
	default:
		return nil, fmt.Errorf("no such action, have fail, exit, stop, delay:DURATION")
	}
	if !limited {
		return action, nil
	}
	n, err := strconv.Atoi(nth)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("count %q is not a positive number", nth)
	}
	return Nth(n, action), nil
}
