package wire

import (
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// turnKey names a turn that is out at a worker.
type turnKey struct{ hub, token string }

// turn is a turn that is out at a worker, with the parts of its completion that
// have come.
type turn struct {
	parts []*wirepb.OrchestratorResponse
	bytes int
}

// Limits of completions that come in parts, in bytes.
const (
	maxTurn  = 256 << 20 // of one turn
	maxTurns = 512 << 20 // of all that are under way
)

// turns puts completions together that come in parts: those of .NET and Java send
// the actions of a large turn in several requests. The parts of a turn are kept as
// long as its stream lives, for its loss makes another delivery of the turn.
type turns struct {
	mu    sync.Mutex // guards what follows
	open  map[turnKey]*turn
	bytes int // of all parts
}

func (t *turns) add(key turnKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open[key] == nil {
		t.open[key] = &turn{}
	}
}

// drop forgets turns.
func (t *turns) drop(hub string, keys []turnKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range keys {
		t.forget(key)
	}
}

// done forgets a turn that has ended.
func (t *turns) done(key turnKey) { t.drop(key.hub, []turnKey{key}) }

func (t *turns) forget(key turnKey) {
	if turn := t.open[key]; turn != nil {
		t.bytes -= turn.bytes
		delete(t.open, key)
	}
}

// stillOpen returns those of the keys whose turns have not ended, with room for as
// many again.
func (t *turns) stillOpen(keys []turnKey) []turnKey {
	t.mu.Lock()
	defer t.mu.Unlock()
	keys = slices.DeleteFunc(keys, func(key turnKey) bool { return t.open[key] == nil })
	return slices.Grow(keys, len(keys)+16)
}

// part takes a part of a completion. It returns the whole once it has come, nil
// before. A part that has come already is ignored. An error says that nothing of
// the completion counts; retry then says whether the turn has to be done again.
func (t *turns) part(key turnKey, in *wirepb.OrchestratorResponse) (whole *wirepb.OrchestratorResponse, retry bool, err error) {
	index := int(in.GetChunkIndex().GetValue())
	if !in.IsPartial && index == 0 {
		return in, false, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	turn := t.open[key]
	switch {
	case turn == nil:
		return nil, false, &perdure.Error{Code: perdure.NotFound, Op: "complete turn", Instance: in.InstanceId,
			Message: "no such delivery: its stream has ended, or it is not the newest of its instance"}
	case index < len(turn.parts):
		return nil, false, nil
	case index > len(turn.parts):
		t.forget(key)
		return nil, true, &perdure.Error{Code: perdure.InvalidArgument, Op: "complete turn", Instance: in.InstanceId,
			Message: fmt.Sprintf("part %d of the completion came when part %d was due", index, len(turn.parts))}
	}
	size := proto.Size(in)
	if turn.bytes+size > maxTurn || t.bytes+size > maxTurns {
		t.forget(key)
		return nil, true, &perdure.Error{Code: perdure.ResourceExhausted, Op: "complete turn", Instance: in.InstanceId,
			Message: fmt.Sprintf("the parts of the completion have more than %d bytes, or all that are under way more than %d", maxTurn, maxTurns)}
	}
	turn.parts = append(turn.parts, in)
	turn.bytes += size
	t.bytes += size
	if in.IsPartial {
		return nil, false, nil
	}
	return joined(turn.parts), false, nil
}

// joined makes one completion of its parts. All but the actions is that of the
// first: later parts repeat it, or have values that mean nothing.
func joined(parts []*wirepb.OrchestratorResponse) *wirepb.OrchestratorResponse {
	whole := proto.CloneOf(parts[0])
	whole.IsPartial, whole.ChunkIndex = false, nil
	for _, p := range parts[1:] {
		whole.Actions = append(whole.Actions, p.Actions...)
		if whole.CustomStatus == nil {
			whole.CustomStatus = p.CustomStatus
		}
	}
	return whole
}
