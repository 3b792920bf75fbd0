package perdure_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
)

// An activity whose slog lines stand in the log of its run, and in that of the process.
func ExampleLogHandler() {
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	log := slog.New(perdure.LogHandler(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime})))
	ship := func(ctx context.Context, order int) (string, error) {
		log.InfoContext(ctx, "the parcel has left", "order", order)
		return "left", nil
	}
	if _, err := ship(context.Background(), 7); err != nil {
		fmt.Println(err)
	}
	// Output: level=INFO msg="the parcel has left" order=7
}

func TestLogger(t *testing.T) {
	var own bytes.Buffer
	var got []string
	worker := slog.New(perdure.LogHandler(slog.NewTextHandler(&own, &slog.HandlerOptions{Level: slog.LevelWarn})))
	ctx := perdure.WithLogLines(t.Context(), func(l perdure.LogLine) {
		got = append(got, fmt.Sprintf("%s/%s/%d %d %s %s %s", l.InstanceID, l.Name, l.TaskID, l.Number, l.Level, l.Message, l.Attrs))
	})
	ctx = perdure.WithActivity(ctx, perdure.ActivityInfo{Name: "pack", InstanceID: "i", TaskID: 3, Logger: worker})
	log := perdure.Logger(ctx)
	log.InfoContext(ctx, "one") // the worker's handler knows the context too, and keeps no second line
	log.Debug("no")
	log.With("a", 1).WithGroup("g").Warn("two", "msg", "m", "level", "l", slog.Group("h", "b", true))
	worker.InfoContext(ctx, "three", "x", "y")
	worker.Info("of nobody")
	perdure.Logger(ctx).Error("four", "f", func() {})
	want := []string{
		`i/pack/3 0 INFO one {}`,
		`i/pack/3 1 WARN two {"a":1,"g":{"msg":"m","level":"l","h":{"b":true}}}`,
		`i/pack/3 2 INFO three {"x":"y"}`,
	}
	if diff := cmp.Diff(want, got[:3]); diff != "" || len(got) != 4 || !strings.HasPrefix(got[3], `i/pack/3 3 ERROR four {"f":`) {
		t.Errorf("lines = %q (-want +got)\n%s", got, diff)
	}
	if n := strings.Count(own.String(), "\n"); n != 2 || !strings.Contains(own.String(), "instance=i activity=pack a=1 g.msg=m") {
		t.Errorf("the worker's log = %s\nwant a warning and an error", own.String())
	}
}
