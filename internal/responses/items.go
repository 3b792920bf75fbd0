package responses

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// entry is an item of a conversation, with where it comes from.
type entry struct {
	*item
	contents []model.Content // that it is made of
}

// transcript is a conversation that was read.
type transcript struct {
	messages []*model.Message // each with its base
	entries  []*entry
}

// baseKey is the additional property of a copied message that holds the base of
// its items' ids, place and turn, so that they stay the same.
const baseKey = "perdure.item"

// transcript reads a conversation. The ids of what agents have said are those of
// the responses.
func (h *Handler) transcript(ctx context.Context, c *conversation) (*transcript, error) {
	t := &transcript{}
	session, ok, err := c.session()
	if err != nil || !ok {
		return t, err
	}
	log, err := h.log(ctx, session)
	if err != nil {
		return nil, err
	}
	for len(log) > 0 {
		n := slices.IndexFunc(log, func(m agent.LogMessage) bool { return m.Turn != log[0].Turn })
		if n < 0 {
			n = len(log)
		}
		if err := h.readTurn(ctx, session, t, log[:n]); err != nil {
			return nil, err
		}
		log = log[n:]
	}
	return t, nil
}

// log returns all messages of a session; one that is gone has none.
func (h *Handler) log(ctx context.Context, session agent.SessionID) ([]agent.LogMessage, error) {
	e, err := h.Service.Export(ctx, session)
	if perdure.CodeOf(err) == perdure.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return e.Messages, nil
}

// readTurn adds the messages of a turn.
func (h *Handler) readTurn(ctx context.Context, session agent.SessionID, t *transcript, log []agent.LogMessage) error {
	turn, err := h.Service.Turn(ctx, log[0].Turn)
	known := perdure.CodeOf(err) != perdure.NotFound
	if !known { // such as a run to which the conversation was handed over
		turn, err = &agent.Turn{ID: log[0].Turn, Session: session}, nil
	}
	if err != nil {
		return err
	}
	functions := map[string]bool{}
	for _, f := range turn.Options.Tools {
		functions[f.Name] = true
	}
	label := turn.Session.Agent
	if info, err := h.agentOf(label); err == nil {
		label = info.Name
	}
	ref, step := idOf(session, turn.ID, 0).itemRef(), 0
	for n, m := range log {
		base := []string{inputPlace(n), ref}
		if n >= len(turn.Messages) && m.Message.Role == model.RoleAssistant {
			step++
			base[0] = strconv.Itoa(step)
		}
		if !known {
			base[0] = fmt.Sprintf("p%d", m.Position)
		}
		if kept := m.Message.AdditionalProperties[baseKey]; len(kept) > 0 {
			if err := json.Unmarshal(kept, &base); err != nil || len(base) != 2 {
				return &perdure.Error{Code: perdure.Internal, Op: "read conversation", Instance: m.Turn, Message: "the id of an item is damaged", Cause: err}
			}
		}
		t.add(m.Message, base, label, func(tool string) bool { return n < len(turn.Messages) || functions[tool] })
	}
	return nil
}

// add adds a message. Results of the agent's own calls are part of these.
func (t *transcript) add(m *model.Message, base []string, label string, function func(tool string) bool) {
	copied := *m
	copied.AdditionalProperties = model.Properties{}
	for k, v := range m.AdditionalProperties {
		copied.AdditionalProperties[k] = v
	}
	copied.AdditionalProperties[baseKey] = marshal(base)
	t.messages = append(t.messages, &copied)
	rest := copied
	rest.Contents = nil
	for _, c := range m.Contents {
		if r, ok := c.(*model.FunctionResult); ok && t.result(r) {
			continue
		}
		rest.Contents = append(rest.Contents, c)
	}
	items, of := itemsOf(&rest, func(typ string, k int) string {
		return itemID(inputPrefixes[typ], base[0], k, base[1])
	})
	for n, i := range items {
		if i.Type == itemFunctionCall && !function(i.Name) {
			i.Type, i.ID, i.ServerLabel = itemCall, prefixes[itemCall]+i.ID[len(prefixes[itemFunctionCall]):], label
		}
		t.entries = append(t.entries, &entry{item: i, contents: of[n]})
	}
}

// result adds a result to the agent's own call that it belongs to, and reports
// whether there is one.
func (t *transcript) result(r *model.FunctionResult) bool {
	for _, e := range t.entries {
		if e.Type == itemCall && e.CallID == r.CallID && len(e.Output) == 0 && e.Error == "" {
			e.Output, e.Error = r.Result, r.Error
			if r.Error != "" {
				e.Status = statusFailed
			}
			return true
		}
	}
	return false
}

// items returns the items.
func (t *transcript) items() []*item {
	var items []*item
	for _, e := range t.entries {
		items = append(items, e.item)
	}
	return items
}

// find returns an item by its id.
func (t *transcript) find(id string) (*entry, error) {
	for _, e := range t.entries {
		if e.ID == id {
			return e, nil
		}
	}
	return nil, &problem{status: http.StatusNotFound, Type: typeInvalid, Param: "item_id", Message: "Item with id " + shown(id) + " not found in the conversation."}
}

// without returns the messages without an item. With a call its result goes.
func (t *transcript) without(gone *entry) []*model.Message {
	var messages []*model.Message
	for _, m := range t.messages {
		kept := *m
		kept.Contents = nil
		for _, c := range m.Contents {
			if !slices.Contains(gone.contents, c) && (gone.CallID == "" || !isResult(c, gone.CallID)) {
				kept.Contents = append(kept.Contents, c)
			}
		}
		if len(kept.Contents) > 0 {
			messages = append(messages, &kept)
		}
	}
	return messages
}

// isResult reports whether content is the result of a call.
func isResult(c model.Content, id string) bool {
	r, ok := c.(*model.FunctionResult)
	return ok && r.CallID == id
}

func (h *Handler) listItems(_ http.ResponseWriter, r *http.Request) (any, error) {
	t, _, err := h.read(r)
	if err != nil {
		return nil, err
	}
	return pageOf(t.items(), r.URL.Query())
}

// read reads the conversation that the path names.
func (h *Handler) read(r *http.Request) (*transcript, *conversation, error) {
	c, err := h.conversation(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, nil, err
	}
	t, err := h.transcript(r.Context(), c)
	return t, c, err
}

func (h *Handler) getItem(_ http.ResponseWriter, r *http.Request) (any, error) {
	t, _, err := h.read(r)
	if err != nil {
		return nil, err
	}
	e, err := t.find(r.PathValue("item"))
	if err != nil {
		return nil, err
	}
	return e.item, nil
}

// createItems adds items and answers with them.
func (h *Handler) createItems(w http.ResponseWriter, r *http.Request) (any, error) {
	before, c, err := h.read(r)
	if err != nil {
		return nil, err
	}
	_, g, err := h.readNew(w, r)
	if err != nil {
		return nil, err
	}
	if len(g.messages) == 0 {
		return nil, invalid("items", "'items' is missing or empty.")
	}
	session, ok, err := c.session()
	if err != nil {
		return nil, err
	}
	if !ok {
		if session, err = h.firstSession(c); err != nil {
			return nil, err
		}
		if err := h.change(r.Context(), c, opMove, move{To: session.String()}); err != nil {
			return nil, err
		}
	}
	if err := h.idle(r.Context(), session); err != nil {
		return nil, err
	}
	if err := h.Service.Import(r.Context(), session, g.messages); err != nil {
		return nil, err
	}
	now, err := h.transcript(r.Context(), c)
	if err != nil {
		return nil, err
	}
	return pageOf(now.items()[min(len(before.entries), len(now.entries)):], map[string][]string{"order": {"asc"}, "limit": {"100"}})
}

// idle refuses a session in which a turn runs or waits.
func (h *Handler) idle(ctx context.Context, id agent.SessionID) error {
	s, err := h.Service.Session(ctx, id)
	if perdure.CodeOf(err) == perdure.NotFound {
		return nil
	}
	if err != nil || s.Running == "" && len(s.Queue) == 0 {
		return err
	}
	if len(s.Queue) > 0 {
		return locked()
	}
	turn, err := h.Service.Turn(ctx, s.Running)
	if err == nil && turn.Ended.IsZero() { // else the session does not know yet
		return locked()
	}
	return err
}

// deleteItem deletes an item: the conversation goes on in a copy without it.
func (h *Handler) deleteItem(_ http.ResponseWriter, r *http.Request) (any, error) {
	t, c, err := h.read(r)
	if err != nil {
		return nil, err
	}
	e, err := t.find(r.PathValue("item"))
	if err != nil {
		return nil, err
	}
	session, _, err := c.session()
	if err != nil {
		return nil, err
	}
	if err := h.moveTo(r.Context(), c, session.Agent, t.without(e)); err != nil {
		return nil, err
	}
	return viewConversation(c), nil
}

// moveTo has a conversation go on in a new session of an agent that begins with
// messages. What is said in the old one is not part of it any more.
func (h *Handler) moveTo(ctx context.Context, c *conversation, name string, messages []*model.Message) error {
	old, ok, err := c.session()
	if err != nil {
		return err
	}
	if ok {
		if err := h.idle(ctx, old); err != nil {
			return err
		}
	}
	session, err := agent.NewSessionID(name, agent.NewSessionKey())
	if err != nil {
		return err
	}
	if len(messages) > 0 {
		if err := h.Service.Import(ctx, session, messages); err != nil {
			return err
		}
	}
	err = h.change(ctx, c, opMove, move{From: c.Session, To: session.String()})
	if perdure.CodeOf(err) == perdure.Conflict {
		return locked()
	}
	return err
}
