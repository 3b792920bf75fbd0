package bench

import (
	"context"
	"encoding/hex"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/perdure/perdure/client"
)

// parked starts orchestrations that wait, looks at what they cost while they
// do, and lets them complete. The window is that of starting and completing.
func (b *bench) parked(ctx context.Context) error {
	b.result.Steps = 1
	p := &Parking{}
	b.result.Parking = p
	ids := make([]packedID, b.cfg.Count)
	for i := range ids {
		ids[i][0] = 1 // has the memory's pages, so that the empty hub's figure holds them
	}
	before, err := b.compacted(ctx)
	if err != nil {
		return err
	}
	p.RSSEmpty = settledMemory()
	input := b.cfg.text()
	done, took, err := b.measured(ctx, "starting", b.cfg.Count, 0, func(ctx context.Context, n int) error {
		began := time.Now()
		started, err := b.client.Start(ctx, waitName, input, client.StartOptions{})
		if err != nil {
			return err
		}
		b.latency.add(time.Since(began))
		return ids[n].parse(started.ID)
	})
	p.StoredParked, p.Started = done, round(took.Seconds(), 4)
	if err != nil || ctx.Err() != nil {
		return err
	}
	if err := b.look(ctx, p, before); err != nil || ctx.Err() != nil {
		return err
	}
	b.result.Count, took, err = b.measured(ctx, "completing", b.cfg.Count, 0, func(ctx context.Context, n int) error {
		id := ids[n].String()
		if err := client.Raise(ctx, b.client, id, goOn(), "x"); err != nil {
			return err
		}
		return b.completed(ctx, id)
	})
	p.Drained = round(took.Seconds(), 4)
	return err
}

// look measures what parked instances cost.
func (b *bench) look(ctx context.Context, p *Parking, before int64) (err error) {
	p.RSSParked = megabytes(residentBytes())
	p.RSSSettled = settledMemory()
	b.progress.phase("compacting", nil)
	if p.ParkedBytes, err = b.compacted(ctx); err != nil {
		return err
	}
	p.BytesEach = round(float64(p.ParkedBytes-before)/float64(p.StoredParked), 1)
	b.progress.phase("watching the idle hub", nil)
	began, used := time.Now(), cpuTime()
	idle := time.NewTimer(b.cfg.IdleTime)
	defer idle.Stop()
	select {
	case <-idle.C:
	case <-ctx.Done():
	}
	p.IdlePercent = round(100*float64(cpuTime()-used)/float64(time.Since(began)), 3)
	return nil
}

// compacted returns the size of the data folder at its smallest. If ctx ends
// it is taken as it is.
func (b *bench) compacted(ctx context.Context) (int64, error) {
	if err := b.store.Compact(ctx); err != nil && ctx.Err() == nil {
		return 0, err
	}
	stats, err := b.store.Stats(context.WithoutCancel(ctx))
	return stats.DiskBytes, err
}

// settledMemory collects garbage, gives memory back to the system and returns
// what is resident then.
func settledMemory() float64 {
	runtime.GC()
	debug.FreeOSMemory()
	return megabytes(residentBytes())
}

// packedID is a generated instance id in half its size: a million of them
// should not be what is measured.
type packedID [16]byte

func (p *packedID) parse(id string) error {
	if b, err := hex.DecodeString(id); err != nil || copy(p[:], b) != len(b) || len(b) != len(p) {
		return fmt.Errorf("generated instance id %q is not 32 hexadecimal digits", id)
	}
	return nil
}

// String returns the id.
func (p packedID) String() string { return hex.EncodeToString(p[:]) }

// countOf shows how far a workload is.
func countOf(done int64, of int) string {
	if of == 0 {
		return fmt.Sprint(done)
	}
	return fmt.Sprintf("%d of %d", done, of)
}
