package httpapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// entity is an entity as the API shows it; in lists without its state.
type entity struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Key        string     `json:"key"`
	Updated    *time.Time `json:"updated,omitempty"`
	Queue      int        `json:"queue_depth"`
	LockOwner  string     `json:"lock_owner,omitempty"`
	StateBytes int        `json:"state_bytes,omitempty"`
	// LastOp is the operation that it has carried out last, LastError why that has failed.
	LastOp     string            `json:"last_op,omitempty"`
	LastError  string            `json:"last_error,omitempty"`
	Operations []entityOperation `json:"operations,omitempty"` // the newest first; not in lists
	RowVersion uint64            `json:"row_version,omitempty"`
	State      json.RawMessage   `json:"state,omitempty"`
}

// entityOperation is an operation that an entity has carried out. Long texts are cut.
type entityOperation struct {
	Name   string    `json:"name"`
	At     time.Time `json:"at"`
	From   string    `json:"from,omitempty"` // id of the instance that has asked for it; absent = a client
	Called bool      `json:"called"`         // who has asked for it waited for the answer
	Error  string    `json:"error,omitempty"`
}

// entityPage is the answer to GET /entities.
type entityPage struct {
	Items   []*entity `json:"items"`
	Next    string    `json:"next,omitempty"`
	Partial bool      `json:"partial"`
	Scanned int       `json:"scanned"`
}

// operationBody is the body of signal and call.
type operationBody struct {
	Operation string          `json:"operation"`
	Input     json.RawMessage `json:"input"`
	At        *time.Time      `json:"at"` // signal: not before
}

func (a *API) listEntities(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	q, limit, after, err := pageQuery(r, "name", "key")
	if err != nil {
		return nil, err
	}
	sq := store.Query{Kind: store.Entity, Order: store.IDAsc, Limit: limit, After: after}
	if name := q.Get("name"); name != "" {
		sq.IDPrefix = "@" + strings.ToLower(name) + "@" + q.Get("key")
	} else if q.Has("key") {
		return nil, invalid("key is a prefix within a name", "add name=")
	}
	page, err := a.Hub.List(r.Context(), sq)
	if err != nil {
		return nil, err
	}
	answer := entityPage{Items: []*entity{}, Next: cursorText(page.Next), Partial: page.Partial, Scanned: page.Scanned}
	for _, i := range page.Items {
		answer.Items = append(answer.Items, viewEntity(i))
	}
	return &reply{body: &answer}, nil
}

// viewEntity returns what lists show of an entity.
func viewEntity(i *hub.Instance) *entity {
	e := newEntity(i.ID)
	e.Updated, e.RowVersion, e.Queue = timeOrNil(i.Updated), i.Record.Version, i.Pending.Messages
	e.LockOwner, e.StateBytes = i.LockedBy, int(i.StateBytes)
	e.addOperations(i.Operations)
	e.Operations = nil
	return e
}

// addOperations tells the operations that an entity has carried out, the oldest first.
func (e *entity) addOperations(list []hub.Operation) {
	for _, o := range slices.Backward(list) {
		e.Operations = append(e.Operations, entityOperation{Name: o.Name, At: o.At.UTC(), From: o.From, Called: o.Called, Error: o.Failure})
	}
	if len(e.Operations) > 0 {
		e.LastOp, e.LastError = e.Operations[0].Name, e.Operations[0].Error
	}
}

// newEntity splits an id "@name@key".
func newEntity(id string) *entity {
	name, key, _ := strings.Cut(strings.TrimPrefix(id, "@"), "@")
	return &entity{ID: id, Name: name, Key: key}
}

func (a *API) getEntity(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	id, err := entityID(r)
	if err != nil {
		return nil, err
	}
	q, err := query(r, "raw", "correlationId")
	if err != nil {
		return nil, err
	}
	raw, err := q.flag("raw")
	if err != nil {
		return nil, err
	}
	found, err := a.Hub.Entity(r.Context(), id)
	if err != nil {
		return nil, err
	}
	e := newEntity(found.ID)
	e.Updated, e.Queue, e.LockOwner = timeOrNil(found.Modified), found.Queue, found.LockedBy
	e.State, e.StateBytes = jsonOf(found.State), len(found.State.S)
	e.addOperations(found.Operations)
	if raw || a.Agents == nil || !found.State.Set {
		return &reply{body: e}, nil
	}
	// Others read of a session what Microsoft's agents would keep.
	options := agent.DocumentOptions{Version: a.Agents.Document, CorrelationID: q.Get("correlationId")}
	document, session, err := a.Agents.Service.EntityDocument(r.Context(), id, options)
	if err != nil {
		return nil, err
	}
	if session {
		e.State, e.StateBytes = document, len(document)
	}
	return &reply{body: e}, nil
}

func (a *API) signalEntity(w http.ResponseWriter, r *http.Request) (*reply, error) {
	id, body, request, err := a.operation(w, r)
	if err != nil {
		return nil, err
	}
	s := &hub.Signal{RequestID: request, InstanceID: id, Operation: body.Operation, Input: textOf(body.Input)}
	if body.At != nil {
		s.At = *body.At
	}
	if err := a.Hub.Signal(r.Context(), s); err != nil {
		return nil, err
	}
	return &reply{status: http.StatusAccepted, body: newEntity(id)}, nil
}

// callEntity runs an operation and answers with its result.
func (a *API) callEntity(w http.ResponseWriter, r *http.Request) (*reply, error) {
	id, body, request, err := a.operation(w, r)
	if err != nil {
		return nil, err
	}
	if body.At != nil {
		return nil, invalid("a call cannot be delayed", "signal instead, or leave out at")
	}
	return a.ask(r, &hub.Ask{RequestID: request, InstanceID: id, Name: body.Operation, Input: textOf(body.Input)})
}

func (a *API) operation(w http.ResponseWriter, r *http.Request) (id string, body operationBody, request string, err error) {
	if id, err = entityID(r); err != nil {
		return "", body, "", err
	}
	if request, err = requestID(r); err != nil {
		return "", body, "", err
	}
	if _, err = query(r); err != nil {
		return "", body, "", err
	}
	if err = a.decode(w, r, &body); err != nil {
		return "", body, "", err
	}
	if err = inAnothersName(id, body.Input); err != nil {
		return "", body, "", err
	}
	return id, body, request, checkName("field operation", body.Operation)
}

// inAnothersName refuses to pass a message on to a session that says whose it is: here
// that is who sends it, as with the routes of agents. Else somebody could ask in the name
// of another for what nobody may approve who has asked.
func inAnothersName(id string, input json.RawMessage) error {
	var said struct{ Principal json.RawMessage }
	if !strings.HasPrefix(id, "@dafx-") || json.Unmarshal(input, &said) != nil || len(said.Principal) == 0 {
		return nil
	}
	return &problem{Status: http.StatusForbidden, Code: perdure.PermissionDenied.String(),
		Detail: "a message is in the name of who sends it: it cannot have a principal",
		Hint:   "leave principal out, and send it to /api/v1/agents/{agent}/sessions/{key}/messages"}
}
