package ledger

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/store"
)

// model is an instance whose runs take so many events and then end.
type model struct {
	want int
	// order has, for each execution, the longest list of events that was shown. It is
	// known beforehand which event must be the next, which keeps the search short.
	order map[string][]string
	// again has the ids of requests that come more than once.
	again map[string]bool
}

// state is what is known of an instance between two operations. States are compared
// with ==.
type state struct {
	exists    bool
	execution string
	raised    int  // events accepted that are in the model's order
	further   int  // and such that no read has shown
	stopped   bool // terminated after these; what comes then is dropped
	shown     int  // events that a read has shown as taken by the run
	// ended is the status of the end that a read has shown, 0 if none has.
	ended store.Status
	// requests are the ids of requests that were acknowledged and come again, sorted,
	// each with a comma.
	requests string
}

// newModel returns the model of the instance that operations are about.
func newModel(ops []Op, want int) model {
	m := model{want: want, order: make(map[string][]string), again: make(map[string]bool)}
	seen := make(map[string]bool)
	for i := range ops {
		o := &ops[i]
		if len(o.Events) > len(m.order[o.Execution]) {
			m.order[o.Execution] = o.Events
		}
		if o.RequestID != "" {
			m.again[o.RequestID] = seen[o.RequestID]
			seen[o.RequestID] = true
		}
	}
	return m
}

func (m model) porcupine() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return state{} },
		Step: func(s, in, _ any) (bool, any) {
			next, ok := m.step(s.(state), in.(*Op))
			return ok, next
		},
		DescribeOperation: func(in, _ any) string { return in.(*Op).String() },
		DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
	}
}

// step returns the state after an operation and whether its answer is right.
func (m model) step(s state, o *Op) (next state, ok bool) {
	acknowledged := o.Code == 0 || o.Unknown()
	switch {
	case o.Kind == Get:
		return m.get(s, o)
	case s.knows(o.RequestID): // it was carried out and has its answer
		return s, acknowledged
	case o.Code == perdure.ResourceExhausted || o.Code == perdure.NoSpace:
		return s, true
	}
	next = s
	switch o.Kind {
	case Start:
		if s.exists {
			return s, o.Code == perdure.AlreadyExists || o.Unknown()
		}
		next = state{exists: true, execution: o.Execution, requests: s.requests}
	case Raise, Terminate:
		if !s.exists {
			return s, o.Code == perdure.NotFound || o.Unknown()
		}
		if next, ok = m.accept(s, o); !ok {
			return s, false
		}
	case Purge:
		return m.purge(s, o)
	}
	if m.again[o.RequestID] {
		next.requests = with(next.requests, o.RequestID)
	}
	return next, acknowledged
}

// accept takes an event or a termination in. The order in which events were shown as
// taken is that in which they were accepted.
func (m model) accept(s state, o *Op) (state, bool) {
	place := slices.Index(m.order[s.execution], o.Value)
	switch {
	case s.stopped:
		return s, place < 0 || o.Kind == Terminate
	case o.Kind == Terminate:
		s.stopped = true
	case place < 0:
		s.further++
	case place == s.raised && s.further == 0:
		s.raised++
	default:
		return s, false
	}
	return s, true
}

func (m model) purge(s state, o *Op) (state, bool) {
	canHaveEnded := s.stopped || s.raised+s.further >= m.want
	switch {
	case !s.exists:
		return s, o.Code == 0 || o.Unknown()
	case o.Code == perdure.FailedPrecondition:
		return s, s.ended == 0
	case canHaveEnded:
		return state{requests: s.requests}, o.Code == 0 || o.Unknown()
	}
	return s, o.Unknown()
}

func (m model) get(s state, o *Op) (state, bool) {
	switch {
	case o.Code != 0:
		return s, o.Code == perdure.NotFound && !s.exists
	case !s.exists || o.Execution != s.execution:
		return s, false
	}
	n := len(o.Events)
	if n < s.shown || n > s.raised || n > m.want || !slices.Equal(o.Events, m.order[s.execution][:n]) {
		return s, false
	}
	if s.ended != 0 && (s.ended != o.Status || n != s.shown) {
		return s, false
	}
	ok := false
	switch o.Status {
	case store.Completed:
		s.ended, ok = o.Status, n == m.want
	case store.Terminated:
		s.ended, ok = o.Status, s.stopped
	case store.Running, store.Pending:
		ok = n < m.want && !(o.Settled && (s.stopped || n < s.raised+s.further))
	}
	s.shown = n
	return s, ok
}

func (s state) knows(request string) bool {
	return request != "" && s.requests != "" && slices.Contains(strings.Split(s.requests, ","), request)
}

// with adds an id to a sorted list.
func with(list, id string) string {
	ids := append(strings.Split(strings.TrimSuffix(list, ","), ","), id)
	slices.Sort(ids)
	return strings.TrimPrefix(strings.Join(ids, ",")+",", ",")
}
