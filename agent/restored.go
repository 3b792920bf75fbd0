package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// A restore takes the journal back, not the world: calls that were made after the
// backup are not in it. So what lived at the backup, and what came of that since, calls
// no Irreversible or Reversible tool until a person releases it, unless the tool itself
// knows that the call did not happen.

// rowReleased says that its owner may make calls again, or, if that is the directory, the
// whole hub; the key is the token of the restore. The number is stored.
const rowReleased = 114

// release is what such a row holds.
type release struct {
	By string    `json:"by,omitempty"`
	At time.Time `json:"at"`
}

// held returns what stands between a call that was not sent under this journal, and that
// d allows, and its sending after a restore. Nothing = it may be sent.
func (g *gate) held(ctx context.Context, d *storedDecision) (*toolOutput, error) {
	r, err := hub.RestoredOf(ctx, g.hub)
	if err != nil || r == nil || d != nil && d.AnsweredAt != nil && d.AnsweredAt.After(r.Before) {
		return nil, err
	}
	holds, err := holdsOf(ctx, g.hub, r, g.turn)
	if err != nil || len(holds) == 0 {
		return nil, err
	}
	out, known, err := g.remembered(ctx)
	if known || err != nil {
		return out, err
	}
	id := digest("decision", g.effectID, DecisionRestoreHold, r.Token)
	asked, err := decisionOf(ctx, g.hub, g.turn, id)
	switch {
	case err != nil:
		return nil, err
	case asked == nil || asked.State == DecisionSuperseded: // with a run that goes on after all
		a := &ask{Kind: DecisionRestoreHold, ID: id, Holds: holds, Reason: fmt.Sprintf(
			"the hub was restored from a backup of %s; whether the call was made since then is not known", r.Taken.UTC().Format(time.RFC3339))}
		if g.edited {
			a.Args = json.RawMessage(g.shown)
		}
		return &toolOutput{Ask: a, Beside: true}, nil
	case asked.State == DecisionPending:
		return &toolOutput{Wait: id, Beside: true}, nil
	case asked.State != DecisionAnswered:
		return nil, asked.refusal()
	}
	return nil, nil
}

// holdsOf returns those of an instance, its session and the runs above it that lived at
// the backup and that nobody has released since.
func holdsOf(ctx context.Context, h hub.Hub, r *hub.Restored, id string) (list []string, err error) {
	if free, err := isReleased(ctx, h, r, directoryID().String()); err != nil || free {
		return nil, err
	}
	seen := map[string]bool{"": true}
	for ids := []string{id}; len(ids) > 0; ids = ids[1:] {
		if seen[ids[0]] {
			continue
		}
		seen[ids[0]] = true
		in, err := h.Instance(ctx, ids[0], false)
		if perdure.CodeOf(err) == perdure.NotFound { // purged since
			continue
		}
		if err != nil {
			return nil, err
		}
		if ids = append(ids, in.Parent, in.Session); !in.Created.Before(r.Before) {
			continue
		}
		free, err := isReleased(ctx, h, r, in.ID)
		if err != nil {
			return nil, err
		}
		if !free {
			list = append(list, in.ID)
		}
	}
	return list, nil
}

func isReleased(ctx context.Context, h hub.Rows, r *hub.Restored, id string) (bool, error) {
	rows, _, err := h.ReadRows(ctx, store.RowQuery{Kind: rowReleased, Owner: id, Prefix: []byte(r.Token), Limit: 1})
	return len(rows) > 0, err
}

// letGo carries out an answer to a restore hold, before that is written down: a crash in
// between leaves the decision open, and what is released can be released again.
func (s *Service) letGo(ctx context.Context, h hub.Hub, d *storedDecision, a *Answer) error {
	r, err := hub.RestoredOf(ctx, h)
	if err != nil || r == nil {
		return err
	}
	value, err := json.Marshal(release{By: a.By, At: time.Now().UTC()})
	if err != nil {
		return err
	}
	write := func(owner string) *hub.WriteRows {
		return &hub.WriteRows{Owner: owner, Rows: []store.Row{{Kind: rowReleased, Owner: owner, Key: []byte(r.Token), Value: value}}}
	}
	if a.Answer == AnswerReleaseHub {
		if err := writeDirectory(ctx, h, write(directoryID().String())); err != nil {
			return err
		}
		return s.releaseOthers(ctx, d.ID, a)
	}
	for _, id := range d.Holds {
		if err := writeRows(ctx, h, write(id)); err != nil && perdure.CodeOf(err) != perdure.NotFound {
			return err
		}
	}
	return nil
}

// releaseOthers answers all restore holds but one.
func (s *Service) releaseOthers(ctx context.Context, but string, a *Answer) error {
	f := DecisionFilter{Kind: DecisionRestoreHold, State: DecisionPending, Limit: 1000}
	for {
		page, err := s.Decisions(ctx, f)
		if err != nil {
			return err
		}
		for _, d := range page.Decisions {
			if d.ID == but {
				continue
			}
			_, err := s.Decide(ctx, d.ID, Answer{Answer: AnswerRelease, By: a.By, Comment: a.Comment})
			if code := perdure.CodeOf(err); err != nil && code != perdure.Conflict && code != perdure.NotFound {
				return err
			}
		}
		if f.After = page.Next; page.Next == nil {
			return nil
		}
	}
}
