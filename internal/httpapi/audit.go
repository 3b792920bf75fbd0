package httpapi

import (
	"encoding/hex"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/audit"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// audited says that somebody has changed something.
type audited struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`               // name of the token; "local" = none was needed
	For     string    `json:"for,omitempty"`    // in whose name, as by says: it is not checked
	From    string    `json:"from,omitempty"`   // network address
	Client  string    `json:"client,omitempty"` // program, as it names itself
	Action  string    `json:"action"`
	Target  string    `json:"target"`             // id of the instance; "~hub" = the hub itself
	Name    string    `json:"name,omitempty"`     // of the event that was raised
	GivenUp []string  `json:"given_up,omitempty"` // calls without a known outcome that went with a run that was purged by force
	Reason  string    `json:"reason,omitempty"`
	Request string    `json:"request,omitempty"` // its Idempotency-Key
	Outcome string    `json:"outcome" choices:"done"`
	Number  uint64    `json:"number"` // of the entry in the chain of its shard
	Hash    string    `json:"hash"`   // of the entry, which the next one in the chain has too
}

// auditPage is the answer to GET /audit.
type auditPage struct {
	Items   []audited `json:"items"` // newest first
	Next    string    `json:"next,omitempty"`
	Partial bool      `json:"partial,omitempty"` // the search ended before the page was full: go on with next
}

// maxClient is how much of the name of a program is kept, in bytes.
const maxClient = 120

// hubItself is the target of what is done to the hub as a whole.
const hubItself = "~hub"

// acting returns a request that changes something with who asks for it.
func acting(r *http.Request) *http.Request {
	if isRead(r) {
		return r
	}
	return actingTo(r, actionOf(r))
}

// taken writes down that somebody takes a copy of all that a target holds, before they
// get it. A hub elsewhere that has no rows has no audit.
func (a *API) taken(r *http.Request, target string) error {
	err := a.Hub.WriteRows(actingTo(r, actionOf(r)).Context(), &hub.WriteRows{Owner: target})
	if perdure.CodeOf(err) == perdure.Unimplemented {
		return nil
	}
	return err
}

func actingTo(r *http.Request, action string) *http.Request {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	client := strings.ToValidUTF8(r.UserAgent(), "")
	for len(client) > maxClient {
		_, size := utf8.DecodeLastRuneInString(client)
		client = client[:len(client)-size]
	}
	return r.WithContext(hub.WithActor(r.Context(), &hub.Actor{
		By: principal(r.Context()), From: from, Client: client, Action: action,
	}))
}

// actionOf names what a request does: by the last word of its route that is no
// parameter, as in /runs/{id}/rewind.
func actionOf(r *http.Request) string {
	name := ""
	route := r.Pattern
	if strings.HasSuffix(route, "/") { // of another package, such as /v1/
		route = r.URL.Path
	}
	for word := range strings.SplitSeq(route, "/") {
		if word != "" && word[0] != '{' {
			name = word
		}
	}
	switch {
	case r.Method == http.MethodDelete:
		return "delete"
	case name == "runs":
		return "start"
	case name == "decisions" || name == "approvals":
		return "decide"
	case name == "events":
		return "raise event"
	case name == "requests":
		return "ask"
	case name == "messages" || name == "responses" || strings.HasSuffix(r.Pattern, "/agents/{agent}/run"):
		return "send message"
	case name == "run":
		return "start"
	case name == "respond":
		return "raise event"
	case name == "mcp":
		return "call tool"
	case name == "hubs":
		return "make hub"
	case name == "workers":
		return "register worker"
	case name == "switches":
		return "switch"
	}
	return name
}

// because adds a reason to who asks for a change.
func because(r *http.Request, reason string) {
	if a := hub.ActorOf(r.Context()); a != nil && reason != "" {
		told := *a
		told.Reason = reason
		*r = *r.WithContext(hub.WithActor(r.Context(), &told))
	}
}

// Bounds of a search in the audit.
const (
	auditSearch = 50_000
	auditBatch  = 1000
)

func (a *API) listAudit(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	q, limit, after, err := pageQuery(r, "target", "by", "action", "from", "to")
	if err != nil {
		return nil, err
	}
	now := a.Now()
	from, err := q.moment("from", now, time.Time{})
	if err != nil {
		return nil, err
	}
	to, err := q.moment("to", now, time.Time{})
	if err != nil {
		return nil, err
	}
	rows := store.RowQuery{Kind: hub.RowAudit, Owner: q.Get("target"), After: after, Limit: limit, Desc: true}
	rows.From, rows.To = audit.Since(from), audit.Until(to)
	by, action := q.Get("by"), q.Get("action")
	if by+action != "" {
		rows.Limit = auditBatch
	}
	page := &auditPage{Items: []audited{}}
	for searched := 0; ; {
		found, next, err := a.Hub.ReadRows(r.Context(), rows)
		if err != nil {
			return nil, err
		}
		for i, row := range found {
			e, err := viewAudit(row)
			if err != nil {
				return nil, err
			}
			if by != "" && e.By != by && e.For != by || action != "" && e.Action != action {
				continue
			}
			if page.Items = append(page.Items, *e); len(page.Items) == limit && i < len(found)-1 {
				// the cursor goes behind the whole batch: the rest of it is read again
				rows.Limit = i + 1
				if _, next, err = a.Hub.ReadRows(r.Context(), rows); err != nil {
					return nil, err
				}
				page.Next = cursorText(next)
				return &reply{body: page}, nil
			}
		}
		searched += len(found)
		page.Next = cursorText(next)
		page.Partial = next != nil && len(page.Items) < limit
		if next == nil || len(page.Items) >= limit || searched >= auditSearch {
			return &reply{body: page}, nil
		}
		rows.After = next
	}
}

func viewAudit(row store.Row) (*audited, error) {
	told, at, err := audit.Read(row)
	if err != nil {
		return nil, err
	}
	return &audited{At: told.At, By: told.By, For: told.For, From: told.From, Client: told.Client, Action: told.Action, Target: row.Owner, Name: told.Name, GivenUp: told.GivenUp,
		Reason: told.Reason, Request: told.Request, Outcome: told.Outcome, Number: at.Seq, Hash: hex.EncodeToString(at.Sum[:])}, nil
}
