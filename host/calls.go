package host

import (
	"strings"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// calls counts the calls of gRPC that have ended, by hub, method and code. Its methods
// may be called concurrently.
type calls struct {
	methods map[string]rule       // that are told apart
	exists  func(hub string) bool // of others nothing is kept by name
	hubs    sync.Map              // hub → map[string]*byCode, which does not change
	nowhere map[string]*byCode    // calls in hubs that there are not
}

// byCode counts by status code.
type byCode [codes.Unauthenticated + 1]atomic.Int64

// otherMethod stands for what is not served.
const otherMethod = "/other"

func newCalls(methods map[string]rule, exists func(string) bool) *calls {
	c := &calls{methods: methods, exists: exists}
	c.nowhere = c.counters()
	return c
}

func (c *calls) counters() map[string]*byCode {
	m := map[string]*byCode{otherMethod: new(byCode)}
	for method := range c.methods {
		m[method] = new(byCode)
	}
	return m
}

// add counts a call.
func (c *calls) add(hub, method string, err error) {
	m := c.nowhere
	if kept, ok := c.hubs.Load(hub); ok {
		m = kept.(map[string]*byCode)
	} else if c.exists(hub) {
		kept, _ := c.hubs.LoadOrStore(hub, c.counters())
		m = kept.(map[string]*byCode)
	}
	n := m[method]
	if n == nil {
		n = m[otherMethod]
	}
	code := status.Code(err)
	if int(code) >= len(n) {
		code = codes.Unknown
	}
	n[code].Add(1)
}

// each tells what was counted of a hub; "" = of calls in hubs that there are not.
func (c *calls) each(hub string, tell func(method, code string, n int64)) {
	m := c.nowhere
	if hub != "" {
		kept, ok := c.hubs.Load(hub)
		if !ok {
			return
		}
		m = kept.(map[string]*byCode)
	}
	for method, n := range m {
		for code := range n {
			if count := n[code].Load(); count > 0 {
				tell(strings.TrimPrefix(method, "/"), codes.Code(code).String(), count)
			}
		}
	}
}
