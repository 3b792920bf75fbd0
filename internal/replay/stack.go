package replay

import (
	"fmt"
	"runtime"
	"strings"
)

// Stack returns the stack of the user code that runs now, in a turn that does not
// end, or "" if none runs. It stops the process for a moment.
func (e *Execution) Stack() string {
	b := e.m.running.Load()
	if b == nil {
		return ""
	}
	mark := fmt.Sprintf("(*branch).body(%p", b)
	for size := 256 << 10; ; size *= 4 {
		buf := make([]byte, size)
		n := runtime.Stack(buf, true)
		for g := range strings.SplitSeq(string(buf[:n]), "\n\n") {
			if strings.Contains(g, mark) {
				return userStack([]byte(g))
			}
		}
		if n < size || size > 64<<20 {
			return ""
		}
	}
}

// userStack takes from a printed stack the frames of user code, without those
// that are ours or of the panic.
func userStack(printed []byte) string {
	lines := strings.Split(strings.TrimRight(string(printed), "\n"), "\n")
	start := 1 // after the line of the goroutine
	for i := 1; i+1 < len(lines); i += 2 {
		if strings.HasPrefix(lines[i], "panic(") {
			start = i + 2
		}
	}
	var out strings.Builder
	for i := start; i+1 < len(lines); i += 2 {
		if strings.HasPrefix(lines[i], "created by ") {
			break
		}
		if ours(lines[i]) {
			continue
		}
		out.WriteString(withoutArguments(lines[i]))
		out.WriteByte('\n')
		out.WriteString(lines[i+1])
		out.WriteByte('\n')
	}
	return out.String()
}

// withoutArguments cuts the words of a call's arguments, which differ from run to
// run.
func withoutArguments(call string) string {
	if i := strings.LastIndexByte(call, '('); i > 0 && strings.HasSuffix(call, ")") {
		return call[:i] + "(...)"
	}
	return call
}

// panicSite returns file:line of the first frame of a user stack.
func panicSite(stack string) string {
	for line := range strings.SplitSeq(stack, "\n") {
		if rest, ok := strings.CutPrefix(line, "\t"); ok {
			site, _, _ := strings.Cut(rest, " +0x")
			if !strings.Contains(site, "/runtime/") {
				return site
			}
		}
	}
	return ""
}

// userSite returns file:line of the user code that runs.
func userSite() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if f.Function == "" {
			return ""
		}
		if !ours(f.Function) {
			return fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		if !more {
			return ""
		}
	}
}

// ours reports whether a function, with or without its arguments, belongs to
// what carries user code.
func ours(function string) bool {
	for _, prefix := range [...]string{
		"github.com/perdure/perdure.",
		"github.com/perdure/perdure/agent.",
		"github.com/perdure/perdure/internal/replay.",
		"iter.", "runtime.", "runtime/debug.",
	} {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return false
}
