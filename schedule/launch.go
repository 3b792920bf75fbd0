package schedule

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/history"
)

// order is what a launcher is to start.
type order struct {
	Schedule      string            `json:"schedule"`
	RunID         string            `json:"runId"`
	Orchestration string            `json:"orchestration"`
	Input         json.RawMessage   `json:"input,omitempty"`
	Version       string            `json:"version,omitempty"`
	Tags          map[string]string `json:"tags,omitempty"`
}

// report is how a run ended.
type report struct {
	Launcher string        `json:"launcher"`
	RunID    string        `json:"runId"`
	Status   client.Status `json:"status"`
	Error    string        `json:"error,omitempty"`
}

// stopRequest has a launcher end its run: at once, or after it was asked to and
// Grace has passed.
type stopRequest struct {
	Terminate bool  `json:"terminate,omitempty"`
	Grace     int64 `json:"graceMs,omitempty"`
}

var stopRequested = perdure.NewEvent[stopRequest]("stop")

// launch runs the target of a schedule as its child and reports its end.
func launch(ctx *perdure.Context, o order) (report, error) {
	tags := maps.Clone(o.Tags)
	if tags == nil {
		tags = make(map[string]string)
	}
	tags[tag] = o.Schedule
	var input any
	if len(o.Input) > 0 {
		input = o.Input
	}
	run := perdure.CallOrchestrationNamed[json.RawMessage](ctx, o.Orchestration, input,
		perdure.WithID(o.RunID), perdure.WithVersion(o.Version), perdure.WithTags(tags))
	if err := awaitOrStop(ctx, o.RunID, run); err != nil {
		return report{}, err
	}
	_, err := run.Await()
	r := reportOf(err)
	r.Launcher, r.RunID = ctx.InstanceID(), o.RunID
	return r, perdure.SignalEntity(ctx, Entity(o.Schedule), opEnded, r)
}

// awaitOrStop waits until a run has ended, or is about to as it was told to.
func awaitOrStop(ctx *perdure.Context, id string, run perdure.Awaitable) error {
	var grace *perdure.Timer
	for {
		stop := stopRequested.Wait(ctx)
		ways := []perdure.Awaitable{run, stop}
		if grace != nil {
			ways = append(ways, grace)
		}
		first := perdure.Any(ctx, ways...)
		if first == run {
			return nil
		}
		if first == perdure.Awaitable(stop) {
			request, err := stop.Await()
			if err != nil {
				return err
			}
			if !request.Terminate {
				if grace == nil {
					grace = ctx.Timer(time.Duration(request.Grace) * time.Millisecond)
				}
				if err := CancelRequested.Send(ctx, id, struct{}{}); err != nil {
					return err
				}
				continue
			}
		}
		perdure.RuntimeOf(ctx).Begin(&perdure.Step{
			Kind: perdure.StepTerminate, Name: "terminate", Target: id,
			Input: history.Some(`"ended by its schedule"`),
		})
		return nil
	}
}

// reportOf tells the outcome of a run. An output that is no JSON is none of
// our business.
func reportOf(err error) report {
	var failed *perdure.StepError
	if !errors.As(err, &failed) {
		return report{Status: client.Completed}
	}
	r := report{Status: client.Failed, Error: clip(failed.Message)}
	switch failed.Type {
	case "OrchestrationTerminated":
		r.Status = client.Terminated
	case "OrchestrationCanceled", perdure.Canceled.String(): // by others, by itself
		r.Status = client.Canceled
	}
	return r
}

// clip shortens a message to what a list shows.
func clip(message string) string {
	const most = 500
	if len(message) <= most {
		return message
	}
	return strings.ToValidUTF8(message[:most], "") + "..."
}
