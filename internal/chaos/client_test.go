package chaos_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// dial connects to an address; the connection comes back at once when it is cut.
func dial(t testing.TB, addr string) *grpc.ClientConn {
	t.Helper()
	conn, err := connect(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func connect(addr string, more ...grpc.DialOption) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+addr, append(more, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: 5 * time.Second, Backoff: backoff.Config{BaseDelay: 2 * time.Millisecond, Multiplier: 1.2, MaxDelay: 50 * time.Millisecond}}),
		grpc.WithDisableServiceConfig())...)
}

// dialOnce connects to one process: the connection does not come back.
func dialOnce(addr string) (*grpc.ClientConn, error) {
	var connected atomic.Bool
	return connect(addr, grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
		if connected.Load() {
			return nil, errors.New("the process is gone")
		}
		c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			connected.Store(true)
		}
		return c, err
	}))
}

// client calls a hub as programs do that want something done.
type client struct {
	conn *grpc.ClientConn
	hub  string
}

func (c *client) call(ctx context.Context, rpc string, in, out proto.Message) error {
	// The level says that request ids count, so that events can be raised again.
	return c.conn.Invoke(metadata.AppendToOutgoingContext(ctx, "taskhub", c.hub, "perdure-level", "1"), sidecar+rpc, in, out)
}

// insist calls until the call has an answer.
func (c *client) insist(ctx context.Context, rpc string, in, out proto.Message) error {
	for {
		err := c.call(ctx, rpc, in, out)
		if status.Code(err) != codes.Unavailable || ctx.Err() != nil {
			return err
		}
	}
}

// start starts an instance of the program, raises its events and returns its end.
func (c *client) start(ctx context.Context, id string) (*wirepb.OrchestrationState, error) {
	err := c.insist(ctx, "StartInstance", &wirepb.CreateInstanceRequest{
		InstanceId: id, Name: "program", Input: wrapperspb.String("0"),
	}, new(wirepb.CreateInstanceResponse))
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return nil, fmt.Errorf("start of %s: %w", id, err)
	}
	for n := 1; n <= 3; n++ {
		err := c.insist(ctx, "RaiseEvent", &wirepb.RaiseEventRequest{
			InstanceId: id, Name: "go", Input: wrapperspb.String(strconv.Itoa(n)), RequestId: fmt.Sprint("event-", n),
		}, new(wirepb.RaiseEventResponse))
		if err != nil {
			return nil, fmt.Errorf("event %d for %s: %w", n, id, err)
		}
	}
	out := new(wirepb.GetInstanceResponse)
	if err := c.insist(ctx, "WaitForInstanceCompletion", &wirepb.GetInstanceRequest{InstanceId: id, GetInputsAndOutputs: true}, out); err != nil {
		return nil, fmt.Errorf("wait for %s: %w", id, err)
	}
	return out.OrchestrationState, nil
}

// begin starts an instance that must start.
func (c *client) begin(t *testing.T, name, id string, input int) {
	t.Helper()
	err := c.call(t.Context(), "StartInstance", &wirepb.CreateInstanceRequest{
		InstanceId: id, Name: name, Input: wrapperspb.String(strconv.Itoa(input)),
	}, new(wirepb.CreateInstanceResponse))
	if err != nil {
		t.Fatalf("StartInstance(%s) = %v", id, err)
	}
}

// signal signals an entity to add a number.
func (c *client) signal(t *testing.T, id string, n int) {
	t.Helper()
	h := sha256.Sum256([]byte(id))
	err := c.call(t.Context(), "SignalEntity", &wirepb.SignalEntityRequest{
		InstanceId: id, Name: "add", Input: wrapperspb.String(strconv.Itoa(n)),
		RequestId: fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16]),
	}, new(wirepb.SignalEntityResponse))
	if err != nil {
		t.Fatalf("SignalEntity(%s) = %v", id, err)
	}
}

// ends waits for the end of an instance and checks its result.
func (c *client) ends(t *testing.T, id string, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out := new(wirepb.GetInstanceResponse)
	err := c.call(ctx, "WaitForInstanceCompletion", &wirepb.GetInstanceRequest{InstanceId: id, GetInputsAndOutputs: true}, out)
	if got := out.OrchestrationState.GetOutput().GetValue(); err != nil || got != strconv.Itoa(want) {
		t.Errorf("%s ends with %q, %v, want %d", id, got, err, want)
	}
}

// isStuck checks that an instance says why it cannot go on.
func (c *client) isStuck(t *testing.T, addr, id string) {
	t.Helper()
	res, err := http.Get("http://" + addr + "/api/v1/runs/" + id)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(body), "crashes") {
		t.Errorf("GET run %s = %s, %v, want that it is parked and why", id, body, err)
	}
}

// history returns the history of an execution.
func (c *client) history(ctx context.Context, id, execution string) (events []*history.Event, err error) {
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(ctx, "taskhub", c.hub))
	defer cancel()
	s, err := c.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, sidecar+"StreamInstanceHistory")
	if err != nil {
		return nil, err
	}
	in := &wirepb.StreamInstanceHistoryRequest{InstanceId: id}
	if execution != "" {
		in.ExecutionId = wrapperspb.String(execution)
	}
	if err := errors.Join(s.SendMsg(in), s.CloseSend()); err != nil {
		return nil, err
	}
	for {
		chunk := new(wirepb.HistoryChunk)
		if err := s.RecvMsg(chunk); err != nil {
			if errors.Is(err, io.EOF) {
				return events, nil
			}
			return nil, err
		}
		for _, b := range chunk.Events {
			e, err := history.Decode(b)
			if err != nil {
				return nil, err
			}
			events = append(events, e)
		}
	}
}

// entity returns an entity and its state.
func (c *client) entity(ctx context.Context, id string) (*wirepb.EntityMetadata, account, error) {
	out := new(wirepb.GetEntityResponse)
	err := c.call(ctx, "GetEntity", &wirepb.GetEntityRequest{InstanceId: id, IncludeState: true}, out)
	var a account
	if err == nil && out.Entity.GetSerializedState() != nil {
		err = json.Unmarshal([]byte(out.Entity.SerializedState.Value), &a)
	}
	return out.Entity, a, err
}

// judge checks what a set of instances of the program has left.
func (c *client) judge(ctx context.Context, seen *witness, states []*wirepb.OrchestrationState) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for _, s := range states {
		if got, want := s.GetOutput().GetValue(), strconv.Itoa(programResult); got != want || s.OrchestrationStatus != wirepb.OrchestrationStatus_ORCHESTRATION_STATUS_COMPLETED {
			say("%s = %v %s (%v), want %s", s.InstanceId, s.OrchestrationStatus, got, s.FailureDetails, want)
		}
		raised := make(map[string]bool)
		executions := seen.executions(s.InstanceId)
		if len(executions) != 2 || executions[1] != s.GetExecutionId().GetValue() {
			say("%s has the executions %v, the last being %s; want two", s.InstanceId, executions, s.GetExecutionId().GetValue())
		}
		for i, x := range executions {
			events, err := c.history(ctx, s.InstanceId, x)
			if err != nil {
				say("history of %s %s: %v", s.InstanceId, x, err)
			}
			wrong = append(wrong, repeated(s.InstanceId, events, i == 0, raised)...)
		}
	}
	if len(states) == 0 {
		return wrong
	}
	a, b := entities(states[0].InstanceId)
	for id, want := range map[string]int{a: addsToA * len(states), b: addsToB * len(states)} {
		// Signals and unlocks of the last may still be on their way.
		for end := time.Now().Add(10 * time.Second); ; {
			e, state, err := c.entity(ctx, id)
			if err == nil && state.N == want && e.GetLockedBy() == nil {
				break
			}
			if err != nil || state.N > want || time.Now().After(end) || ctx.Err() != nil {
				say("%s has the state %+v, locked by %v (%v); want %d and no lock", id, state, e.GetLockedBy(), err, want)
				break
			}
		}
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	return append(wrong, seen.mistakes...)
}

func (w *witness) executions(id string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.execution[id]
}

// repeated says which events stand twice in a history. raised has the events of
// executions before; those of the first may be carried over.
func repeated(id string, events []*history.Event, first bool, raised map[string]bool) (wrong []string) {
	seen := make(map[string]bool)
	last := int32(0)
	for i, e := range events {
		var key string
		switch b := e.Body.(type) {
		case *history.OrchestratorStarted:
			continue
		case *history.ExecutionStarted:
			key = "start"
		case *history.TaskCompleted:
			key = fmt.Sprint("result ", b.TaskScheduledID)
		case *history.TimerFired:
			key = fmt.Sprint("timer ", b.TimerID)
		case *history.SubOrchestrationInstanceCompleted:
			key = fmt.Sprint("child ", b.TaskScheduledID)
		case *history.EntityOperationCompleted:
			key = "reply " + b.RequestID
		case *history.EntityLockGranted:
			key = "lock " + b.CriticalSectionID
		case *history.EventRaised:
			key = "event " + b.Input.S
			if !first && b.Input.S != "3" {
				wrong = append(wrong, fmt.Sprintf("%s: event %s is in the second execution", id, b.Input.S))
			}
		default:
			if e.ID <= last {
				wrong = append(wrong, fmt.Sprintf("%s: event %d (%T) has the number %d, after %d", id, i, e.Body, e.ID, last))
			}
			last = e.ID
			continue
		}
		if seen[key] {
			wrong = append(wrong, fmt.Sprintf("%s: %s stands twice in the history", id, key))
		}
		seen[key] = true
	}
	if len(events) == 0 {
		wrong = append(wrong, id+": there is no history")
	}
	return wrong
}
