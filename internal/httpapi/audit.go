package httpapi

import (
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// audited says that somebody has changed something.
type audited struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`               // name of the token; "local" = none was needed
	From    string    `json:"from,omitempty"`   // network address
	Client  string    `json:"client,omitempty"` // program, as it names itself
	Action  string    `json:"action"`
	Target  string    `json:"target"` // id of the instance
	Reason  string    `json:"reason,omitempty"`
	Request string    `json:"request,omitempty"` // its Idempotency-Key
	Outcome string    `json:"outcome" choices:"done"`
}

// auditPage is the answer to GET /audit.
type auditPage struct {
	Items []audited `json:"items"` // newest first
	Next  string    `json:"next,omitempty"`
}

// maxClient is how much of the name of a program is kept, in bytes.
const maxClient = 120

// acting returns a request that changes something with who asks for it.
func acting(r *http.Request) *http.Request {
	if isRead(r) {
		return r
	}
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
		By: principal(r.Context()), From: from, Client: client, Action: actionOf(r),
	}))
}

// actionOf names what a request does: by the last word of its route that is no
// parameter, as in /runs/{id}/rewind.
func actionOf(r *http.Request) string {
	name := ""
	for word := range strings.SplitSeq(r.Pattern, "/") {
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
	case name == "messages":
		return "send message"
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

func (a *API) listAudit(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	q, limit, after, err := pageQuery(r, "target")
	if err != nil {
		return nil, err
	}
	rows, next, err := a.Hub.ReadRows(r.Context(), store.RowQuery{
		Kind: hub.RowAudit, Owner: q.Get("target"), After: after, Limit: limit, Desc: true,
	})
	if err != nil {
		return nil, err
	}
	page := &auditPage{Items: []audited{}, Next: cursorText(next)}
	for _, row := range rows {
		told, err := hub.ReadAudit(row)
		if err != nil {
			return nil, err
		}
		page.Items = append(page.Items, audited{At: told.At, By: told.By, From: told.From, Client: told.Client, Action: told.Action,
			Target: row.Owner, Reason: told.Reason, Request: told.Request, Outcome: told.Outcome})
	}
	return &reply{body: page}, nil
}
