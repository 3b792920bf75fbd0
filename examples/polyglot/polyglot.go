// Package polyglot has Go and Python work on the same orchestrations: one in Go
// calls an activity in Python, one in Python calls an activity and an orchestration
// in Go. A name is all that either side knows of the other. Python uses Microsoft's
// SDK, unchanged; what it needs stands in requirements.txt.
//
//	go run ./examples/serve polyglot
//	python3 -m venv .venv && .venv/bin/pip install -r examples/polyglot/requirements.txt
//	.venv/bin/python examples/polyglot/worker.py
//	curl --json '{"name":"Report","id":"r1","input":"so much to say"}' \
//	  http://127.0.0.1:8080/api/v1/runs
//	curl 'http://127.0.0.1:8080/api/v1/runs/r1?wait=30s'
//	curl --json '{"name":"headline","id":"h1","input":"so much to say"}' \
//	  http://127.0.0.1:8080/api/v1/runs
//	curl 'http://127.0.0.1:8080/api/v1/runs/h1?wait=30s'
package polyglot

import (
	"context"
	"fmt"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
)

// Count is what the activity word_count in worker.py returns.
type Count struct {
	Words   int    `json:"words"`
	Longest string `json:"longest"`
}

// Report counts in Python and writes in Go. While no Python worker is connected
// the activity waits.
func Report(ctx *perdure.Context, text string) (string, error) {
	count, err := perdure.CallNamed[Count](ctx, "word_count", text).Await()
	if err != nil {
		return "", err
	}
	return perdure.Call(ctx, Shout, fmt.Sprintf("%d words, the longest is %s", count.Words, count.Longest)).Await()
}

// Shout is an activity that Python calls too.
func Shout(_ context.Context, text string) (string, error) {
	return strings.ToUpper(text) + "!", nil
}

// Register makes the orchestration and the activity known to a worker.
func Register(reg *perdure.Registry, _ model.Model) error {
	perdure.AddOrchestration(reg, Report)
	perdure.AddActivity(reg, Shout)
	return nil
}
