package agent_test

import (
	"context"
	"encoding/base64"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store/pebble"
)

// foldedLimit is what a session may need on disk once its turns are folded, as a
// multiple of the text in it.
const foldedLimit = 3

// mirror answers with what it was told, from the end to the start: so that the
// answer has no word of the question that could be stored once.
type mirror struct{}

func (mirror) Generate(_ context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		text := []byte(req.Messages[len(req.Messages)-1].Text())
		slices.Reverse(text)
		yield(&model.Update{Contents: model.Contents{&model.Text{Text: string(text)}}}, nil)
	}
}

// TestFoldedBytes measures what a session of turns with 4 KB of text, which no
// compression helps, costs on disk: as the turns have left it, and folded.
func TestFoldedBytes(t *testing.T) {
	turns := 200
	if os.Getenv("PERDURE_SOAK") != "" {
		turns = 10_000
	}
	dir := t.TempDir()
	db, err := pebble.Open(dir, pebble.Options{BallastBytes: -1, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := db.Hub("default", true)
	if err != nil {
		t.Fatal(err)
	}
	a := joker(mirror{})
	a.Window, a.TTL = 20, agent.Forever
	n := beginOn(t, s, registry(t, a))
	size := func() int64 {
		t.Helper()
		if err := s.Compact(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
		stats, err := s.Stats(context.WithoutCancel(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		return stats.DiskBytes
	}
	empty := size()
	rng, text := rand.New(rand.NewPCG(1, 2)), int64(0)
	b := make([]byte, 1536) // 2 KB in base64
	for range turns {
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		said := base64.StdEncoding.EncodeToString(b)
		text += int64(len(said) + len(say(t, n, "k1", said).Text))
	}
	if _, err := n.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	whole := size() - empty
	pass(t, n, 25*time.Hour)
	if _, err := n.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	folded := size() - empty
	per := func(n int64) int64 { return n / int64(turns) }
	t.Logf("%d turns of %d bytes of text: %d bytes each on disk, %d once folded", turns, per(text), per(whole), per(folded))
	if folded > foldedLimit*text {
		t.Errorf("a folded turn costs %d bytes on disk for %d of text, want at most %d times as much", per(folded), per(text), foldedLimit)
	}
	if err := n.stop(); err != nil {
		t.Error(err)
	}
}
