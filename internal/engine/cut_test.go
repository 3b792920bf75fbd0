package engine_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// TestCutFailed cuts failures out of histories of others, which do not say what is another
// attempt: those before the last turn only if nothing was done since.
func TestCutFailed(t *testing.T) {
	for name, c := range map[string]struct{ past, kept, again string }{
		"one step":        {"begin start task1 | begin failed1 end", "begin start begin rewound", ""},
		"the second one":  {"begin start task1 | begin done1 task2 | begin failed2 end", "begin start task1 begin done1 begin rewound", ""},
		"side by side":    {"begin start task1 task2 task3 | begin failed1 | begin done2 | begin failed3 end", "begin start task2 begin begin done2 begin rewound", ""},
		"with others":     {"begin start task1 task2 | begin done1 failed2 end", "begin start task1 begin rewound", "done1"},
		"another attempt": {"begin start task1 | begin failed1 timer2 | begin fired2 task3 | begin failed3 end", "begin start task1 begin failed1 timer2 begin fired2 begin rewound", ""},
		"a last word":     {"begin start task1 | begin failed1 task2 end", "begin start begin rewound", ""},
		"by itself":       {"begin start task1 | begin done1 end", "begin start task1 begin rewound", "done1"},
		"at once":         {"begin start end", "", "start"},
		"of a fork":       {"begin start task1 | fork | begin failed1 end", "begin start fork begin rewound", ""},
		"at its fork":     {"begin start task1 | fork failed1 end", "begin start fork rewound", ""},
		"again":           {"begin start task1 | begin rewound | begin task2 | begin failed2 end", "begin start task1 begin rewound begin begin rewound", ""},
	} {
		rewound := &history.Event{ID: -1, Body: &history.ExecutionRewound{}}
		do := engine.CutFailed(eventsIn(t, c.past), rewound, "x")
		got := [2]string{wordsOf(do.NewHistory), wordsOf(do.Redeliver)}
		if diff := cmp.Diff([2]string{c.kept, c.again}, got); diff != "" {
			t.Errorf("CutFailed(%s), kept and taken again (-want +got):\n%s", name, diff)
		}
	}
}

// eventsIn reads words as events: a number is the id of the step that is meant.
func eventsIn(t *testing.T, words string) (events []*history.Event) {
	t.Helper()
	for _, word := range strings.Fields(strings.ReplaceAll(words, "|", "")) {
		kind := strings.TrimRight(word, "0123456789")
		id := int32(-1)
		if kind != word {
			id = int32(word[len(kind)] - '0')
		}
		e := &history.Event{ID: -1}
		switch kind {
		case "begin":
			e.Body = &history.OrchestratorStarted{}
		case "fork":
			e.Body, e.Meta = &history.OrchestratorStarted{}, &history.Meta{Fork: &history.Fork{Run: "source", Salt: "salt"}}
		case "start":
			e.Body = &history.ExecutionStarted{Name: "run"}
		case "task":
			e.ID, e.Body = id, &history.TaskScheduled{Name: "a"}
		case "timer":
			e.ID, e.Body = id, &history.TimerCreated{}
		case "done":
			e.Body = &history.TaskCompleted{TaskScheduledID: id}
		case "failed":
			e.Body = &history.TaskFailed{TaskScheduledID: id}
		case "fired":
			e.Body = &history.TimerFired{TimerID: id}
		case "rewound":
			e.Body = &history.ExecutionRewound{}
		case "end":
			e.Body = &history.ExecutionCompleted{Status: history.StatusFailed}
		default:
			t.Fatalf("no event is called %q", word)
		}
		events = append(events, e)
	}
	return events
}

// wordsOf is the reverse of eventsIn.
func wordsOf(events []*history.Event) string {
	var words []string
	number := func(word string, id int32) string { return word + string(rune('0'+id)) }
	for _, e := range events {
		word := ""
		switch b := e.Body.(type) {
		case *history.OrchestratorStarted:
			if word = "begin"; e.Meta != nil && e.Meta.Fork != nil {
				word = "fork"
			}
		case *history.ExecutionStarted:
			word = "start"
		case *history.TaskScheduled:
			word = number("task", e.ID)
		case *history.TimerCreated:
			word = number("timer", e.ID)
		case *history.TaskCompleted:
			word = number("done", b.TaskScheduledID)
		case *history.TaskFailed:
			word = number("failed", b.TaskScheduledID)
		case *history.TimerFired:
			word = number("fired", b.TimerID)
		case *history.ExecutionRewound:
			word = "rewound"
		case *history.ExecutionCompleted:
			word = "end"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}
