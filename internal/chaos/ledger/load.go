package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure/internal/hub"
)

// Load is clients at work, several of them on each instance.
type Load struct {
	Ledger *Ledger
	Hubs   []hub.Hub // ways to the hub, see Client
	Prefix string    // of the instances' ids
	Lanes  int       // instances at a time
	Seed   uint64

	acknowledged atomic.Int64 // since the ledger was begun, of the newest acknowledgement
	longest      atomic.Int64
}

// clientsEach is how many clients work on an instance, want how many events a run takes.
const (
	clientsEach = 3
	// Want is how many events the runs of a Load take.
	Want = 16
)

// Longest is the longest time in which no operation was acknowledged since the last
// call, or since Run has begun.
func (l *Load) Longest() time.Duration {
	now := int64(l.Ledger.Now())
	if before := l.acknowledged.Swap(now); before > 0 {
		l.note(now - before)
	}
	return time.Duration(l.longest.Swap(0))
}

func (l *Load) note(d int64) {
	for {
		old := l.longest.Load()
		if d <= old || l.longest.CompareAndSwap(old, d) {
			return
		}
	}
}

// Run works until ctx ends. Operations that are under way then are ended in order.
func (l *Load) Run(ctx context.Context) {
	l.acknowledged.Store(int64(l.Ledger.Now()))
	var lanes sync.WaitGroup
	for lane := range l.Lanes {
		lanes.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				l.instance(ctx, fmt.Sprintf("%s%d-%d", l.Prefix, lane, n), lane, n)
			}
		})
	}
	lanes.Wait()
}

// instance works on one instance, until enough was asked about it or ctx ends.
func (l *Load) instance(ctx context.Context, id string, lane, n int) {
	var ops, unknown atomic.Int64
	var clients sync.WaitGroup
	for k := range clientsEach {
		clients.Go(func() {
			number := lane*clientsEach + k
			r := rand.New(rand.NewPCG(l.Seed, uint64(number)<<32+uint64(n)))
			w := &walk{Client: Client{Ledger: l.Ledger, Number: number, Want: Want, Hubs: l.Hubs, next: r.IntN(len(l.Hubs))}, r: r, id: id, hasty: k == 0}
			for ctx.Err() == nil && unknown.Load() < MaxUnknown && ops.Add(1) <= MaxOps-1 {
				o := w.step()
				switch {
				case (o.Unknown() || o.Late) && o.Kind != Get:
					unknown.Add(1)
				case o.Code == 0:
					now := int64(l.Ledger.Now())
					l.note(now - l.acknowledged.Swap(now))
				}
			}
		})
	}
	clients.Wait()
}

// walk is what one client does on one instance.
type walk struct {
	Client
	r    *rand.Rand
	id   string
	made int
	// hasty clients give up early at times, one for each instance, so that little is
	// unknown.
	hasty bool
	past  []Op
}

// patience of a client with an operation; haste is that of one that gives up early.
const (
	opPatience = 20 * time.Second
	opHaste    = 5 * time.Millisecond
)

func (w *walk) step() (o Op) {
	patience := opPatience
	if w.hasty && w.r.IntN(20) == 0 {
		patience = opHaste
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w.made++
	request := fmt.Sprintf("%d.%d", w.Number, w.made)
	defer func() {
		if o.RequestID != "" && o.Kind != Purge {
			w.past = append(w.past, o)
		}
	}()
	switch n := w.r.IntN(100); {
	case w.made == 1 || n < 6:
		return w.Start(ctx, w.id, request)
	case n < 50:
		return w.Raise(ctx, w.id, request, request)
	case n < 85:
		return w.Get(ctx, w.id, false)
	case n < 87:
		return w.Terminate(ctx, w.id, request)
	case n < 91:
		return w.Purge(ctx, w.id, request)
	default:
		return w.again(ctx, w.past[w.r.IntN(len(w.past))])
	}
}

// again makes a request once more.
func (w *walk) again(ctx context.Context, o Op) Op {
	switch o.Kind {
	case Start:
		return w.Start(ctx, w.id, o.RequestID)
	case Raise:
		return w.Raise(ctx, w.id, o.RequestID, o.Value)
	default:
		return w.Terminate(ctx, w.id, o.RequestID)
	}
}

// Settle reads each instance once more, until what was acknowledged shows or patience
// is over, and returns all operations.
func (l *Load) Settle(ctx context.Context, patience time.Duration) []Op {
	of := make(map[string][]Op)
	for _, o := range l.Ledger.Ops() {
		of[o.Instance] = append(of[o.Instance], o)
	}
	end := time.Now().Add(patience)
	work := make(chan string)
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for id := range work {
				l.settle(ctx, id, of[id], end)
			}
		})
	}
	for id := range of {
		work <- id
	}
	close(work)
	readers.Wait()
	return l.Ledger.Ops()
}

func (l *Load) settle(ctx context.Context, id string, ops []Op, end time.Time) {
	for {
		scratch := New()
		scratch.began = l.Ledger.began
		c := &Client{Ledger: scratch, Number: l.Lanes * clientsEach, Want: Want, Hubs: l.Hubs}
		o := c.Get(ctx, id, true)
		done := !o.Unknown() && len(Judge(append(ops[:len(ops):len(ops)], o), Want)) == 0
		if done || time.Now().After(end) || ctx.Err() != nil {
			l.Ledger.Add(o)
			return
		}
		<-time.After(20 * time.Millisecond)
	}
}
