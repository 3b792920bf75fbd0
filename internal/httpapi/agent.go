package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// Agents are what the agents' routes serve.
type Agents struct {
	Service *agent.Service
	List    []agent.Info // those of this process
	// Elsewhere, if set, returns others, which workers in other processes serve.
	Elsewhere func() []agent.Info
	MCP       bool // they are MCP tools too
	// DotNet answers runs as the hosts of .NET do: the response is an object and
	// the status a number.
	DotNet bool
	// Document is the version of the state documents of sessions, "1.1.0" or
	// "1.2.0"; "" = "1.2.0".
	Document string
}

// agentRoutes is the table of the agents' routes.
func (a *API) agentRoutes() map[string]endpoint {
	const session = "/api/v1/agents/{agent}/sessions/{key}"
	return map[string]endpoint{
		"POST " + a.Prefix + "/agents/{agent}/run": a.runAgent,
		"GET " + a.Prefix + "/health":              a.agentHealth,
		"GET /api/v1/agents":                       a.listAgents,
		"GET /api/v1/switches":                     a.listSwitches,
		"POST /api/v1/switches":                    a.setSwitch,
		"GET /api/v1/agents/{agent}":               a.getAgent,
		"GET /api/v1/agents/{agent}/sessions":      a.listSessions,
		"GET " + session:                           a.getSession,
		"GET " + session + "/messages":             a.getMessages,
		"DELETE " + session:                        a.deleteSession,
		"GET " + session + "/export":               a.exportSession,
		"POST " + session + "/messages":            a.postMessage,
		"POST " + session + "/stop":                a.stopTurn,
		"GET " + session + "/turns":                a.listTurns,
		"GET " + session + "/turns/{turn}/steps":   a.listSteps,
		"GET " + session + "/turns/{turn}/stream":  a.streamTurn,
	}
}

// all returns the agents that there are, those of this process first.
func (a *Agents) all() []agent.Info {
	if a.Elsewhere == nil {
		return a.List
	}
	return slices.Concat(a.List, a.Elsewhere())
}

// agentOf returns the agent that the path names.
func (a *API) agentOf(r *http.Request) (agent.Info, error) {
	return a.agentNamed(r.PathValue("agent"))
}

// agentNamed returns the agent with a name.
func (a *API) agentNamed(name string) (agent.Info, error) {
	var names []string
	for _, info := range a.Agents.all() {
		if strings.EqualFold(info.Name, name) {
			return info, nil
		}
		names = append(names, info.Name)
	}
	return agent.Info{}, &problem{Status: http.StatusNotFound, Code: perdure.NotFound.String(), Detail: "there is no agent " + shown(name),
		Hint: choose(name, names, "no agent is registered here")}
}

// choose is the hint for a name that is not known: what it may have been, else what
// is known.
func choose(name string, known []string, none string) string {
	if near := nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	if len(known) == 0 {
		return none
	}
	return "known are " + strings.Join(known, ", ")
}

// sessionOf returns the session that the path names, and its agent.
func (a *API) sessionOf(r *http.Request) (agent.Info, agent.SessionID, error) {
	info, err := a.agentOf(r)
	if err != nil {
		return info, agent.SessionID{}, err
	}
	id, err := agent.ParseSessionID(info.Name, r.PathValue("key"))
	return info, id, err
}

// agentHealth lists the agents as Microsoft's hosts do.
func (a *API) agentHealth(http.ResponseWriter, *http.Request) (*reply, error) {
	type entry struct {
		Name string `json:"name"`
		Type string `json:"type"`
		HTTP bool   `json:"http_endpoint_enabled"`
		MCP  bool   `json:"mcp_tool_enabled"`
	}
	all := a.Agents.all()
	body := struct {
		Status string  `json:"status"`
		Agents []entry `json:"agents"`
		Count  int     `json:"agent_count"`
	}{Status: "healthy", Agents: []entry{}, Count: len(all)}
	for _, info := range all {
		body.Agents = append(body.Agents, entry{Name: info.Name, Type: "Agent", HTTP: true, MCP: a.Agents.MCP})
	}
	return &reply{body: &body}, nil
}

// items is a list that is a page or the whole.
type items[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // ?cursor= of the next page
}

func (a *API) listAgents(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	return &reply{body: items[agent.Info]{Items: append([]agent.Info{}, a.Agents.all()...)}}, nil
}

func (a *API) getAgent(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	info, err := a.agentOf(r)
	if err != nil {
		return nil, err
	}
	return &reply{body: &info}, nil
}

// session is a session as lists show it.
type session struct {
	ID         string `json:"id"` // instance id of its entity
	RowVersion uint64 `json:"row_version,omitempty"`
	Agent      string `json:"agent"`
	Key        string `json:"key"`
	State      string `json:"state" choices:"idle running waiting_approval failed"` // failed: its newest turn did
	// Preview is the beginning of what was said last, and who has said it.
	Preview     string `json:"preview,omitempty"`
	PreviewRole string `json:"preview_role,omitempty"`
	Messages    int64  `json:"messages"`
	Turns       int64  `json:"turns"` // that have ended
	Failed      int64  `json:"failed"`
	Running     string `json:"running,omitempty"`
	// OwnerRun is the run, or turn of another agent, that has asked here last. What
	// people have said since does not change it.
	OwnerRun string   `json:"owner_run,omitempty"`
	Queue    []string `json:"queue"`
	cost
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
	Expires time.Time `json:"expires,omitzero"`
}

// tokens counts what models read and wrote.
type tokens struct {
	In     int64 `json:"in"`
	Out    int64 `json:"out"`
	Cached int64 `json:"cached,omitempty"`
	Total  int64 `json:"total"`
}

func viewTokens(u model.Usage) tokens {
	return tokens{In: u.InputTokenCount, Out: u.OutputTokenCount, Cached: u.CachedInputTokenCount, Total: u.TotalTokenCount}
}

// viewSession returns what the API shows of a session.
func (a *API) viewSession(ctx context.Context, s *agent.Session) (*session, error) {
	v := &session{
		ID: s.ID.String(), Agent: s.Agent, Key: s.ID.Key, State: "idle", Messages: s.Messages, Turns: s.Turns, Failed: s.Failed,
		Running: s.Running, OwnerRun: s.Owner, Queue: s.Queue, cost: viewCost(s.Usage, s.Spent), Created: s.Created, Updated: s.Updated,
		Expires: s.Expires,
	}
	newest, err := a.Agents.Service.Newest(ctx, s)
	if err != nil {
		return nil, err
	}
	if m := newest.Message; m != nil {
		v.Preview, v.PreviewRole = preview(m.Text()), string(m.Role)
	}
	switch {
	case s.Running != "" && newest.Asks:
		v.State = "waiting_approval"
	case s.Running != "":
		v.State = "running"
	case newest.Failed:
		v.State = "failed"
	}
	return v, nil
}

// maxPreview is how much of a message a list shows, in bytes.
const maxPreview = 160

// preview is the beginning of a text, in one line.
func preview(text string) string {
	text = strings.Join(strings.Fields(text[:min(len(text), 4*maxPreview)]), " ")
	if len(text) > maxPreview {
		return strings.ToValidUTF8(text[:maxPreview], "") + "..."
	}
	return strings.ToValidUTF8(text, "")
}

func (a *API) listSessions(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	info, err := a.agentOf(r)
	if err != nil {
		return nil, err
	}
	_, limit, after, err := pageQuery(r)
	if err != nil {
		return nil, err
	}
	page, err := a.Agents.Service.Sessions(r.Context(), info.Name, after, limit)
	if err != nil {
		return nil, err
	}
	body := items[*session]{Items: []*session{}, Next: cursorText(page.Next)}
	for _, s := range page.Sessions {
		v, err := a.viewSession(r.Context(), s)
		if err != nil {
			return nil, err
		}
		body.Items = append(body.Items, v)
	}
	return &reply{body: &body}, nil
}

func (a *API) getSession(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	_, id, err := a.sessionOf(r)
	if err != nil {
		return nil, err
	}
	s, err := a.Agents.Service.Session(r.Context(), id)
	if err != nil {
		return nil, err
	}
	v, err := a.viewSession(r.Context(), s)
	if err != nil {
		return nil, err
	}
	return &reply{body: v}, nil
}

// maxMessages bounds a page of messages.
const maxMessages = 1000

// transcript is a part of a conversation.
type transcript struct {
	Items []agent.LogMessage `json:"items"`
	Next  *int64             `json:"next,omitempty"` // ?from= of the next page
}

func (a *API) getMessages(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	_, id, err := a.sessionOf(r)
	if err != nil {
		return nil, err
	}
	q, err := query(r, "from", "limit")
	if err != nil {
		return nil, err
	}
	from, err := q.number("from", 0, 1<<53)
	if err != nil {
		return nil, err
	}
	limit, err := q.number("limit", maxMessages, maxMessages)
	if err != nil {
		return nil, err
	}
	limit = max(limit, 1)
	list, err := a.Agents.Service.Messages(r.Context(), id, int64(from), limit)
	if err != nil {
		return nil, err
	}
	body := transcript{Items: append([]agent.LogMessage{}, list...)}
	if len(list) == limit {
		next := list[limit-1].Position + 1
		body.Next = &next
	}
	return &reply{body: &body}, nil
}
