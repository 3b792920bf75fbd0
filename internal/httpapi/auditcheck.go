package httpapi

import (
	"net/http"
	"time"

	"github.com/perdure/perdure/internal/audit"
)

// auditReport is what a check of the audit has found.
type auditReport struct {
	Whole   bool         `json:"whole"`   // nothing is wrong
	Entries int          `json:"entries"` // that were looked at
	Chains  int          `json:"chains"`
	Oldest  time.Time    `json:"oldest,omitzero"`
	Wrong   int          `json:"wrong"`    // entries that do not fit
	First   []auditWrong `json:"first"`    // of these, 100 at most
	Heads   string       `json:"heads"`    // where the chains end: noted elsewhere, a later check can be held against it
	Against bool         `json:"compared"` // it was held against what was noted
}

// auditWrong is an entry of the audit that does not fit.
type auditWrong struct {
	Shard  int       `json:"shard"`
	Number uint64    `json:"number"` // in the chain of the shard
	Target string    `json:"target,omitempty"`
	At     time.Time `json:"at,omitzero"`
	Why    string    `json:"why"`
}

// auditProgress tells how far a check is.
type auditProgress struct {
	Entries int `json:"entries"`
}

// verifyAudit walks the chains of the audit. Under Accept: text/event-stream it tells how
// it goes.
func (a *API) verifyAudit(w http.ResponseWriter, r *http.Request) (*reply, error) {
	q, err := query(r, "heads")
	if err != nil {
		return nil, err
	}
	var noted audit.Heads
	if q.Get("heads") != "" {
		if noted, err = audit.ParseHeads(q.Get("heads")); err != nil {
			return nil, invalid("query parameter heads: "+err.Error(), "give the member heads of an earlier answer")
		}
	}
	ctx, cancel := a.untilStop(r.Context())
	defer cancel()
	var events *eventWriter
	if acceptsEvents(r) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no")
		w.WriteHeader(http.StatusOK)
		events = &eventWriter{w: w}
	}
	told := time.Now()
	found, err := audit.Check(ctx, a.Hub, a.Now(), noted, func(entries int) {
		if events != nil && time.Since(told) >= a.Batch {
			told = time.Now()
			events.send("", "progress", auditProgress{entries})
		}
	})
	switch {
	case events == nil && err != nil:
		return nil, err
	case events == nil:
		return &reply{body: viewReport(found, noted)}, nil
	case err != nil:
		events.send("", "error", problemOf(err))
	default:
		events.send("", "done", viewReport(found, noted))
	}
	return nil, nil
}

func viewReport(found *audit.Report, noted audit.Heads) *auditReport {
	v := &auditReport{Whole: found.Wrong == 0, Entries: found.Entries, Chains: found.Chains, Oldest: found.Oldest, Wrong: found.Wrong,
		First: []auditWrong{}, Heads: found.Heads.String(), Against: noted != nil}
	for _, m := range found.First {
		v.First = append(v.First, auditWrong{Shard: int(m.Shard), Number: m.Seq, Target: m.Target, At: m.At, Why: m.Why})
	}
	return v
}
