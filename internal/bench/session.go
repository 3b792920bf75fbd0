package bench

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/model"
)

const (
	agentName   = "bench"
	agentWindow = 50 // messages that the model is given of the session
)

// talker is an agent whose model answers at once, with so many characters.
func talker(size int) *agent.Agent {
	return &agent.Agent{Name: agentName, Instructions: "Answer.", Model: instant(size), Window: agentWindow}
}

// speech is text that cannot be compressed to less than three quarters.
func speech(size int) string {
	b := make([]byte, size*3/4+3)
	for i := 0; i+8 <= len(b)+7; i += 8 {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], rand.Uint64())
		copy(b[i:], n[:])
	}
	return base64.StdEncoding.EncodeToString(b)[:size]
}

// instant is a model that takes no time. Its value is the size of its answers.
type instant int

// Generate implements model.Model.
func (m instant) Generate(context.Context, *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		yield(&model.Update{Role: model.RoleAssistant, Contents: model.Contents{&model.Text{Text: speech(int(m))}}, FinishReason: model.FinishStop}, nil)
	}
}

// session has one session take turns, one after the other.
func (b *bench) session(ctx context.Context) error {
	b.result.Steps = 1
	id, err := agent.NewSessionID(agentName, time.Now().UTC().Format("20060102T150405.000000000"))
	if err != nil {
		return err
	}
	var turns []turn
	b.talk = id
	b.result.Count, _, err = b.measured(ctx, "taking turns", b.cfg.Count, b.cfg.For, func(ctx context.Context, _ int) error {
		began, used := time.Now(), cpuTime()
		accepted, err := b.agents.Send(ctx, id, agent.Message{Text: speech(b.cfg.Payload)})
		if err != nil {
			return err
		}
		if _, err := b.agents.Wait(ctx, accepted.Turn); err != nil {
			return err
		}
		took := time.Since(began)
		turns = append(turns, turn{milliseconds(took), milliseconds(cpuTime() - used)})
		b.latency.add(took)
		return nil
	})
	if len(turns) >= leastSteps {
		b.result.Flat = compare(turns)
	}
	return err
}

// folded looks at what the session costs when its turns are a day old: first how
// small it becomes, then how fast it goes on in a hub that has just been opened.
func (b *bench) folded(ctx context.Context, dir string) error {
	f := &Folding{TextBytes: 2 * int64(b.result.Count) * int64(b.cfg.Payload)}
	b.result.Folding = f
	later := clock.Offset(clock.System(), 25*time.Hour)
	for _, work := range []func(context.Context) error{
		func(ctx context.Context) error {
			b.progress.phase("folding", nil)
			began := time.Now()
			if _, err := b.idle(ctx); err != nil {
				return err
			}
			f.FoldSeconds = round(time.Since(began).Seconds(), 3)
			var err error
			f.FoldedBytes, err = b.compacted(ctx)
			f.FoldedRatio = ratio(float64(f.FoldedBytes), float64(f.TextBytes))
			return err
		},
		func(ctx context.Context) error {
			began := time.Now()
			accepted, err := b.agents.Send(ctx, b.talk, agent.Message{Text: speech(b.cfg.Payload)})
			if err != nil {
				return err
			}
			_, err = b.agents.Wait(ctx, accepted.Turn)
			f.Reopen = round(milliseconds(time.Since(began)), 3)
			return err
		},
	} {
		s, closeStore, err := b.cfg.openStore(dir)
		if err != nil {
			return err
		}
		b.store = s
		if err := errors.Join(b.withHub(ctx, later, work), closeStore()); err != nil {
			return err
		}
	}
	return nil
}

// turn is what an agent turn took, in milliseconds.
type turn struct{ wall, cpu float64 }

// compare sets early turns against the last ones. Processor time goes on after
// a turn's end, so that it is added up over all turns of a part.
func compare(turns []turn) *Flat {
	part := func(turns []turn) (wall, cpu float64) {
		var walls []float64
		for _, t := range turns {
			walls = append(walls, t.wall)
			cpu += t.cpu / float64(len(turns))
		}
		return median(walls), cpu
	}
	first, firstCPU := part(turns[firstBegin-1 : firstEnd])
	last, lastCPU := part(turns[len(turns)-lastSteps:])
	return flat(first, last, firstCPU, lastCPU)
}
