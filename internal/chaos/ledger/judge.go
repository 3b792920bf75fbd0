package ledger

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/perdure/perdure"
)

// Bounds of what is asked about one instance, within which an order is found or
// excluded quickly.
const (
	MaxOps     = 60
	MaxUnknown = 3
)

// patience is how long an order is looked for.
const patience = 20 * time.Second

// Judge returns what is wrong with operations, one text for each instance for which
// there is no order. want is how many events the runs take.
func Judge(ops []Op, want int) (wrong []string) {
	of := make(map[string][]Op)
	for _, o := range ops {
		of[o.Instance] = append(of[o.Instance], o)
	}
	for _, id := range slices.Sorted(maps.Keys(of)) {
		switch judgeOne(of[id], want) {
		case porcupine.Ok:
		case porcupine.Unknown:
			wrong = append(wrong, fmt.Sprintf("%s: no order was found within %v, and none excluded, for:\n%s", id, patience, list(of[id])))
		default:
			wrong = append(wrong, fmt.Sprintf("%s: there is no order in which all answers are right, of:\n%s", id, list(of[id])))
		}
	}
	return wrong
}

func judgeOne(ops []Op, want int) porcupine.CheckResult {
	history := make([]porcupine.Operation, 0, len(ops))
	for i := range ops {
		o := &ops[i]
		if o.Unknown() && o.Kind == Get {
			continue // it tells nothing
		}
		end := int64(o.Return)
		if o.Unknown() {
			end = math.MaxInt64
		}
		history = append(history, porcupine.Operation{ClientId: o.Client, Input: o, Call: int64(o.Call), Output: o, Return: end})
		if o.Late && o.Kind != Get {
			attempt := *o
			attempt.Code = perdure.Unavailable
			history = append(history, porcupine.Operation{ClientId: o.Client, Input: &attempt, Call: int64(o.Call), Output: &attempt, Return: math.MaxInt64})
		}
	}
	return porcupine.CheckOperationsTimeout(newModel(ops, want).porcupine(), history, patience)
}

func list(ops []Op) string {
	var b strings.Builder
	for i := range ops {
		b.WriteString("  " + ops[i].String() + "\n")
	}
	return b.String()
}
