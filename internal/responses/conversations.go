package responses

import (
	"net/http"

	"github.com/perdure/perdure/agent"
)

// conversationRoutes is the table of the routes of conversations.
func (h *Handler) conversationRoutes() map[string]endpoint {
	const one = "/v1/conversations/{id}"
	return map[string]endpoint{
		"POST /v1/conversations":          h.createConversation,
		"GET " + one:                      h.getConversation,
		"POST " + one:                     h.updateConversation,
		"DELETE " + one:                   h.deleteConversation,
		"GET " + one + "/items":           h.listItems,
		"POST " + one + "/items":          h.createItems,
		"GET " + one + "/items/{item}":    h.getItem,
		"DELETE " + one + "/items/{item}": h.deleteItem,
	}
}

// conversationObject is a conversation as clients see it.
type conversationObject struct {
	ID        string            `json:"id"`
	Object    string            `json:"object"`
	CreatedAt int64             `json:"created_at"`
	Metadata  map[string]string `json:"metadata"`
}

func viewConversation(c *conversation) *conversationObject {
	v := &conversationObject{ID: c.id(), Object: "conversation", CreatedAt: c.Created.Unix(), Metadata: c.Metadata}
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	return v
}

// newConversation is the body of a new conversation, and of new items.
type newConversation struct {
	Items    []any             `json:"items"`
	Metadata map[string]string `json:"metadata"`
}

// readNew reads a body with items, and the items.
func (h *Handler) readNew(w http.ResponseWriter, r *http.Request) (*newConversation, *given, error) {
	var body newConversation
	if err := h.decode(w, r, &body); err != nil {
		return nil, nil, err
	}
	if err := checkMetadata(body.Metadata); err != nil {
		return nil, nil, err
	}
	if len(body.Items) > maxNewItems {
		return nil, nil, invalid("items", "items has %d elements; at most %d are allowed.", len(body.Items), maxNewItems)
	}
	g, err := readInput(marshal(body.Items), "items")
	if err == nil && len(g.approvals) > 0 {
		err = invalid("items", "Approvals are answered by a response, not by items.")
	}
	return &body, g, err
}

// maxNewItems bounds the items that are added at once.
const maxNewItems = 100

func (h *Handler) createConversation(w http.ResponseWriter, r *http.Request) (any, error) {
	body, g, err := h.readNew(w, r)
	if err != nil {
		return nil, err
	}
	c := &conversation{key: agent.NewSessionKey(), Metadata: body.Metadata}
	if len(g.messages) > 0 {
		session, err := h.firstSession(c)
		if err != nil {
			return nil, err
		}
		if err := h.Service.Import(r.Context(), session, g.messages); err != nil {
			return nil, err
		}
		c.Session = session.String()
	}
	if err := h.change(r.Context(), c, opCreate, *c); err != nil {
		return nil, err
	}
	return viewConversation(c), nil
}

// firstSession is the session of a conversation in which no agent has answered:
// that of any agent.
func (h *Handler) firstSession(c *conversation) (agent.SessionID, error) {
	all := h.all()
	if len(all) == 0 {
		return agent.SessionID{}, invalid("items", "There is no agent here that could keep items.")
	}
	return agent.NewSessionID(all[0].Name, c.key)
}

func (h *Handler) getConversation(_ http.ResponseWriter, r *http.Request) (any, error) {
	c, err := h.conversation(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return viewConversation(c), nil
}

func (h *Handler) updateConversation(w http.ResponseWriter, r *http.Request) (any, error) {
	c, err := h.conversation(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var body newConversation
	if err := h.decode(w, r, &body); err != nil {
		return nil, err
	}
	if err := checkMetadata(body.Metadata); err != nil {
		return nil, err
	}
	if err := h.change(r.Context(), c, opUpdate, body.Metadata); err != nil {
		return nil, err
	}
	return viewConversation(c), nil
}

// deleteConversation deletes a conversation. Its responses stay.
func (h *Handler) deleteConversation(_ http.ResponseWriter, r *http.Request) (any, error) {
	c, err := h.conversation(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if err := h.change(r.Context(), c, opDelete, nil); err != nil {
		return nil, err
	}
	return deletion{ID: c.id(), Object: "conversation.deleted", Deleted: true}, nil
}
