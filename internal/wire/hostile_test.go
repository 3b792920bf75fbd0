package wire_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// allowed are the statuses that SDKs understand. INTERNAL would be a defect.
var allowed = []codes.Code{
	codes.OK, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.ResourceExhausted,
	codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Unimplemented,
}

// raw is a codec that sends bytes as they are.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

var _ encoding.CodecV2 = raw{}

// throw sends bytes to a call and returns how it ends, a stream after its first
// message.
func (s *server) throw(rpc string, b []byte, pairs ...string) error {
	ctx, cancel := context.WithTimeout(s.with(pairs...), 30*time.Millisecond)
	defer cancel()
	if strings.HasSuffix(rpc, "TaskHub") {
		ctx = s.with("taskhub", "scratch")
	}
	var out []byte
	method := "/TaskHubSidecarService/" + rpc
	if rpc != "GetWorkItems" && rpc != "StreamInstanceHistory" {
		return s.conn.Invoke(ctx, method, &b, &out, grpc.ForceCodecV2(raw{}))
	}
	stream, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method, grpc.ForceCodecV2(raw{}))
	if err == nil {
		err = stream.SendMsg(&b)
	}
	if err == nil {
		err = stream.CloseSend()
	}
	if err == nil {
		err = stream.RecvMsg(&out)
	}
	if err != nil && err.Error() == "EOF" {
		return nil
	}
	return err
}

// check fails if an answer is not one that SDKs understand.
func (s *server) check(t *testing.T, rpc string, b []byte, err error) {
	t.Helper()
	if !slices.Contains(allowed, status.Code(err)) {
		t.Fatalf("%s(%x) = %v, want one of %v", rpc, b, err, allowed)
	}
}

// FuzzRPC throws any bytes at every call.
func FuzzRPC(f *testing.F) {
	rpcs := everyRPC()
	names := make([]string, 0, len(rpcs))
	for name := range rpcs {
		names = append(names, name)
	}
	slices.Sort(names)
	r := hostile{Rand: rand.New(rand.NewPCG(1, 2))}
	for i, name := range names {
		for range 3 {
			b, err := proto.Marshal(r.message(rpcs[name]))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(i), b, false)
		}
	}
	s := serveTB(f) // one for all, since hubs take a while
	s.ctx = context.Background()
	f.Fuzz(func(t *testing.T, rpc uint8, b []byte, own bool) {
		name := names[int(rpc)%len(names)]
		var pairs []string
		if own {
			pairs = []string{"perdure-level", "1"}
		}
		s.check(t, name, b, s.throw(name, b, pairs...))
	})
}

// hostile makes messages that are well-formed and mean no good.
type hostile struct {
	*rand.Rand
	tokens *pool
}

// pool is what was seen of tokens that count.
type pool struct {
	mu   sync.Mutex
	list []string
}

func (p *pool) add(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.list = append(p.list, token); len(p.list) > 100 {
		p.list = p.list[50:]
	}
}

func (p *pool) pick(r *rand.Rand) string {
	if p == nil {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.list) == 0 {
		return ""
	}
	return p.list[r.IntN(len(p.list))]
}

var texts = []string{
	"", "i", "echoing", "remote", "go on", "@e@k", "@E@", "@@", "none", "a/../b", "nul\x00nul", "\u202e", "ü", "'; --", strings.Repeat("x", 101),
	strings.Repeat("long", 3000), `{"op":"x"}`, `[`, "release", "op", "op@2026-01-01T00:00:00Z", "0",
}

// message fills a copy of a message.
func (r hostile) message(like proto.Message) proto.Message {
	m := proto.Clone(like)
	r.fill(m.ProtoReflect(), 5)
	return m
}

func (r hostile) fill(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if depth == 0 || r.IntN(3) == 0 {
			continue
		}
		switch {
		case f.IsMap():
			m.Mutable(f).Map().Set(protoreflect.ValueOfString(r.text(f)).MapKey(), protoreflect.ValueOfString(r.text(f)))
		case f.IsList():
			list := m.Mutable(f).List()
			for range r.IntN(4) {
				if f.Message() != nil {
					r.fill(list.AppendMutable().Message(), depth-1)
				} else {
					list.Append(r.value(f))
				}
			}
		case f.Message() != nil:
			r.fill(m.Mutable(f).Message(), depth-1)
		default:
			m.Set(f, r.value(f))
		}
	}
}

func (r hostile) text(f protoreflect.FieldDescriptor) string {
	if f.Name() == "completion_token" && r.IntN(4) > 0 {
		return r.tokens.pick(r.Rand)
	}
	return texts[r.IntN(len(texts))]
}

func (r hostile) value(f protoreflect.FieldDescriptor) protoreflect.Value {
	numbers := []int64{0, 1, 2, 3, -1, 7, 99, math.MaxInt32, math.MinInt32}
	n := numbers[r.IntN(len(numbers))]
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(r.text(f))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(r.event())
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(r.IntN(2) == 0)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(n))
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(uint32(n))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64([]int64{n, math.MaxInt64, math.MinInt64, 253402300800}[r.IntN(4)])
	}
	panic(fmt.Sprintf("no value for %v", f))
}

// event returns bytes where the protocol has a history event.
func (r hostile) event() []byte {
	bodies := []history.Body{
		&history.ExecutionStarted{Name: "echoing"}, &history.ExecutionCompleted{Status: 99}, &history.EventRaised{Name: "e"},
		&history.TaskCompleted{TaskScheduledID: 1}, &history.OrchestratorStarted{}, &history.HistoryState{State: []byte{1}},
		&history.EntityLockRequested{LockSet: []string{"@e@k"}}, &history.EntityOperationCalled{TargetInstanceID: history.Some("@e@k")},
		&history.ExecutionRewound{}, &history.TimerCreated{}, &history.TaskScheduled{Name: "a"}, &history.GenericEvent{Data: history.Some("patch:x")},
	}
	b := (&history.Event{ID: int32(r.IntN(5)) - 1, Body: bodies[r.IntN(len(bodies))]}).Append(nil)
	return r.mutated(b)
}

// mutated changes a byte now and then.
func (r hostile) mutated(b []byte) []byte {
	if len(b) > 0 && r.IntN(4) == 0 {
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
	}
	return b
}

// TestHostileCallers throws messages at every call for a while, among them
// completions of items that are really out. Every answer is one that SDKs
// understand, and afterwards the hub still works.
func TestHostileCallers(t *testing.T) {
	during := 2 * time.Second
	if os.Getenv("PERDURE_SOAK") == "1" {
		during = 10 * time.Minute
	}
	s := serveTB(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	tokens := &pool{}
	rpcs := everyRPC()
	end := time.Now().Add(during)
	ctx, cancel := context.WithTimeout(context.Background(), during+patience)
	defer cancel()
	s.ctx = ctx
	var wg sync.WaitGroup
	var rounds atomic.Int64
	for n := range 3 {
		wg.Go(func() { s.collect(end, tokens) })
		wg.Go(func() {
			r := hostile{rand.New(rand.NewPCG(seed, uint64(n))), tokens}
			calls := 0
			for ; time.Now().Before(end) && !t.Failed(); calls++ {
				for rpc, in := range rpcs {
					if r.IntN(3) > 0 && !strings.HasPrefix(rpc, "Complete") {
						continue
					}
					b, err := proto.Marshal(r.message(in))
					if err != nil {
						panic(err)
					}
					b = r.mutated(b)
					var pairs []string
					if r.IntN(2) == 0 {
						pairs = []string{"perdure-level", "1"}
					}
					if err := s.throw(rpc, b, pairs...); !slices.Contains(allowed, status.Code(err)) {
						t.Errorf("seed %d: %s(%x) = %v, want one of %v", seed, rpc, b, err, allowed)
					}
				}
			}
			rounds.Add(int64(calls))
		})
	}
	wg.Wait()
	if n := rounds.Load(); n < 3 {
		t.Errorf("only %d rounds of calls in %v", n, during)
	}
	do[emptypb.Empty](s, "Hello", &emptypb.Empty{})
	out := s.wait(s.start(&wirepb.CreateInstanceRequest{Name: "echoing", Input: text(`"alive"`)}))
	if out.Output.GetValue() != `"alive"` {
		t.Errorf("after all that an instance = %v, want it to work", out)
	}
}

// collect connects as a worker, takes items and remembers their tokens.
func (s *server) collect(end time.Time, tokens *pool) {
	for time.Now().Before(end) {
		ctx, cancel := context.WithDeadline(s.ctx, end)
		stream, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/TaskHubSidecarService/GetWorkItems")
		if err == nil {
			err = stream.SendMsg(&wirepb.GetWorkItemsRequest{})
		}
		if err == nil {
			err = stream.CloseSend()
		}
		for range 50 {
			item := &wirepb.WorkItem{}
			if err == nil {
				err = stream.RecvMsg(item)
			}
			if err != nil {
				break
			}
			tokens.add(item.CompletionToken)
		}
		cancel()
		select {
		case <-time.After(5 * time.Millisecond):
		case <-s.ctx.Done():
		}
	}
}
