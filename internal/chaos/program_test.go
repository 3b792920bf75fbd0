package chaos_test

import (
	"fmt"
	"strings"
	"time"
)

// The program has all that workers do: activities, one after the other and side by
// side, a timer, a child, events, locks on entities, calls and signals to them, and a
// second execution. Its outcome is known.

// programResult is what the program returns.
const programResult = 2 + (4 + 6 + 8) + 14 + 12 + 3 + 10

// addsToA and addsToB are how often an instance of the program adds 1 to its entities.
const addsToA, addsToB = 4, 1

// entities returns the two entities of an instance, which all instances with the same
// beginning of their ids share.
func entities(instance string) (a, b string) {
	set, _, _ := strings.Cut(instance, "/")
	return "@acc@a-" + set, "@acc@b-" + set
}

// program is the code of the orchestrations.
func program(f *flow) {
	switch f.name {
	case "child":
		f.finish(f.result(f.double(f.input)))
	case "program":
		if f.input == 0 {
			first(f)
		} else {
			second(f)
		}
	case "sleeper":
		f.sleep(time.Hour)
	default:
		f.broken = fmt.Sprintf("there is no orchestration %q", f.name)
	}
}

func first(f *flow) {
	sum := f.result(f.double(1))
	tasks := []int32{f.double(2), f.double(3), f.double(4)}
	for _, t := range tasks {
		sum += f.result(t)
	}
	f.sleep(5 * time.Millisecond)
	sum += f.child("child", 7)
	sum += 10*f.event() + f.event()
	a, b := entities(f.id)
	section := f.lock(a, b)
	before := f.add(a, 1)
	f.add(b, 1)
	if after := f.add(a, 1); after != before+1 {
		f.broken = fmt.Sprintf("%s adds 1 to %d under a lock and gets %d", f.id, before, after)
	}
	f.unlock(section, a, b)
	f.signal(a, 1)
	f.anew(sum)
}

func second(f *flow) {
	sum := f.input + f.event()
	a, _ := entities(f.id)
	section := f.lock(a)
	f.add(a, 1)
	f.unlock(section, a)
	f.finish(sum + f.result(f.double(5)))
}
