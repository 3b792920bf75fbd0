package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/steps"
)

// Limits of a graph.
const (
	graphNodes = 60  // above it steps are grouped by kind and name
	graphRuns  = 100 // runs of agents that are looked into
)

// graphNode is a step of a run, or several of one name, in its graph.
type graphNode struct {
	ID   string `json:"id"` // of the node; stable while the run goes on
	Kind string `json:"kind" choices:"orchestration agent activity tool model timer event entity human"`
	Name string `json:"name"`
	// Status is that of the step; of several open if one is, else failed if one is.
	Status string `json:"status"`
	// Count is how many steps it stands for, Open, Done and Failed how many of these are so.
	Count   int      `json:"count"`
	Open    int      `json:"open,omitempty"`
	Done    int      `json:"done,omitempty"`
	Failed  int      `json:"failed,omitempty"`
	Run     string   `json:"run,omitempty"`      // id of the run that it is
	Owner   string   `json:"owner"`              // id of the run whose step it is
	EventID *int32   `json:"event_id,omitempty"` // of the step, if it is one
	Session string   `json:"session,omitempty"`  // id of the session of an agent
	Step    *runStep `json:"step,omitempty"`     // the step, if it is one
	*cost            // of agents and models
}

// graphEdge leads from what happened to what it led to.
type graphEdge struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Kind is schedule: the outcome of one had the other scheduled; call: an agent or
	// run called the other; handoff: it gave its conversation away.
	Kind  string `json:"kind" choices:"schedule call handoff"`
	Count int    `json:"count"`
}

// graph is the answer to GET /runs/{id}/graph.
type graph struct {
	Nodes   []*graphNode `json:"nodes"`
	Edges   []graphEdge  `json:"edges"`
	Grouped bool         `json:"grouped"` // steps of one kind and name are one node
	Total   int          `json:"total"`   // steps of the run
	Partial bool         `json:"partial"` // there are more runs of agents than were looked into
}

func (a *API) getGraph(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	id, err := runID(r)
	if err != nil {
		return nil, err
	}
	q, err := query(r, "execution")
	if err != nil {
		return nil, err
	}
	t, err := a.tell(r.Context(), id, q.Get("execution"))
	if err != nil {
		return nil, err
	}
	g := &grapher{api: a, graph: graph{Nodes: []*graphNode{}, Edges: []graphEdge{}, Total: len(t.steps)}, nodes: map[string]*graphNode{},
		edges: map[graphEdge]int{}, seen: map[string]bool{id: true}}
	g.graph.Grouped = len(t.steps) > graphNodes
	root := g.node(&graphNode{ID: "run", Kind: "orchestration", Name: t.instance.Name, Status: viewRow(t.instance).Status, Count: 1, Run: id, Owner: id})
	if name, ok := agent.AgentOf(t.instance.Name); ok {
		root.Kind, root.Name, root.Session = "agent", a.agentName(name), t.instance.Session
	}
	if root.Kind == "agent" {
		err = g.agentRun(r.Context(), root, t)
	} else {
		err = g.orchestration(r.Context(), root, t)
	}
	if err != nil {
		return nil, err
	}
	for e, n := range g.edges {
		e.Count = n
		g.graph.Edges = append(g.graph.Edges, e)
	}
	slices.SortFunc(g.graph.Edges, func(x, y graphEdge) int {
		return cmp.Or(cmp.Compare(g.order(x.From), g.order(y.From)), cmp.Compare(g.order(x.To), g.order(y.To)), cmp.Compare(x.Kind, y.Kind))
	})
	return &reply{body: &g.graph}, nil
}

// grapher makes a graph.
type grapher struct {
	api   *API
	graph graph
	nodes map[string]*graphNode
	edges map[graphEdge]int // without Count
	seen  map[string]bool   // runs
}

func (g *grapher) order(id string) int {
	return slices.IndexFunc(g.graph.Nodes, func(n *graphNode) bool { return n.ID == id })
}

// node adds a node, or counts it to the one with its id.
func (g *grapher) node(n *graphNode) *graphNode {
	switch n.Status {
	case "completed", "asked":
		n.Done = n.Count
	case "failed", "terminated":
		n.Failed = n.Count
	case "canceled":
	default:
		n.Open = n.Count
	}
	known := g.nodes[n.ID]
	if known == nil {
		g.nodes[n.ID] = n
		g.graph.Nodes = append(g.graph.Nodes, n)
		return n
	}
	known.Count, known.Open, known.Done, known.Failed = known.Count+n.Count, known.Open+n.Open, known.Done+n.Done, known.Failed+n.Failed
	known.EventID, known.Step = nil, nil
	switch {
	case known.Open > 0 && n.Open > 0:
		known.Status = n.Status
	case known.Open == 0 && known.Failed > 0:
		known.Status = "failed"
	case known.Open == 0:
		known.Status = n.Status // of those that have ended otherwise the newest
	}
	if n.cost != nil {
		sum := *n.cost
		if known.cost != nil {
			sum.add(known.cost)
		}
		known.cost = &sum
	}
	return known
}

func (g *grapher) edge(from, to, kind string) {
	if from != to {
		g.edges[graphEdge{From: from, To: to, Kind: kind}]++
	}
}

// orchestration adds the steps of an orchestration: edges follow the scheduling. What a
// turn schedules follows from all ends that were told since the last turn that scheduled
// something: a run that waits for several goes on when the last of them has come.
func (g *grapher) orchestration(ctx context.Context, root *graphNode, t *told) error {
	ids := make([]string, len(t.steps)) // of the node of each step; "" = it has none
	var agents []*graphNode
	ended := map[int]map[string]bool{} // nodes, by the turn that was told of their ends
	for i := range t.steps {
		s := &t.steps[i]
		if s.Kind == "internal" {
			continue
		}
		n := g.node(g.stepNode(t.instance.ID, s, g.graph.Grouped))
		ids[i] = n.ID
		if s.EndTurn > 0 {
			if ended[s.EndTurn] == nil {
				ended[s.EndTurn] = map[string]bool{}
			}
			ended[s.EndTurn][n.ID] = true
		}
		if n.Kind == "agent" && s.Run != "" {
			agents = append(agents, &graphNode{ID: n.ID, Run: s.Run})
		}
	}
	scheduling := []int{0} // the turns that scheduled something
	for i := range t.steps {
		scheduling = append(scheduling, t.steps[i].Turn)
	}
	slices.Sort(scheduling)
	for i := range t.steps {
		if ids[i] == "" {
			continue
		}
		caused, turn := false, t.steps[i].Turn
		place, _ := slices.BinarySearch(scheduling, turn)
		for at := turn; place > 0 && at > scheduling[place-1]; at-- {
			for id := range ended[at] {
				g.edge(id, ids[i], "schedule")
				caused = true
			}
		}
		if !caused {
			g.edge(root.ID, ids[i], "schedule")
		}
	}
	return g.callees(ctx, agents)
}

// agentRun adds what an agent called: its tools by name, other agents, people.
func (g *grapher) agentRun(ctx context.Context, root *graphNode, t *told) error {
	var agents []*graphNode
	for i := range t.steps {
		s := &t.steps[i]
		if s.Kind == "internal" || s.Kind == agent.StepModel || s.Kind == agent.StepContext || s.Kind == string(steps.Timer) {
			continue
		}
		n := g.node(g.stepNode(t.instance.ID, s, s.Kind != agent.StepAgent && s.Kind != "decision"))
		kind := "call"
		if s.Kind == agent.StepAgent && agent.IsHandoff(t.instance.ID, s.Run, len(t.steps)) {
			kind = "handoff"
		}
		g.edge(root.ID, n.ID, kind)
		if n.Kind == "agent" && s.Run != "" {
			agents = append(agents, &graphNode{ID: n.ID, Run: s.Run})
		}
	}
	return g.callees(ctx, agents)
}

// callees looks into the runs of agents that were called.
func (g *grapher) callees(ctx context.Context, agents []*graphNode) error {
	for _, n := range agents {
		if g.seen[n.Run] {
			continue
		}
		if len(g.seen) > graphRuns {
			g.graph.Partial = true
			return nil
		}
		g.seen[n.Run] = true
		t, err := g.api.tell(ctx, n.Run, "")
		switch perdure.CodeOf(err) {
		case perdure.NotFound, perdure.FailedPrecondition: // it has not begun, or was given up
			continue
		}
		if err != nil {
			return err
		}
		if err := g.agentRun(ctx, g.nodes[n.ID], t); err != nil {
			return err
		}
	}
	return nil
}

// stepNode is the node of a step, or that of all steps of its kind and name.
func (g *grapher) stepNode(owner string, s *runStep, grouped bool) *graphNode {
	n := &graphNode{Kind: s.Kind, Name: s.Name, Status: s.Status, Count: 1, Owner: owner, Session: s.Session, cost: s.cost}
	switch steps.Kind(s.Kind) {
	case steps.Child:
		n.Kind = "orchestration"
	case steps.Sent:
		n.Kind = "event"
	case steps.Timer:
		n.Name = "timer"
	case steps.Signal, steps.Lock, steps.Entity:
		n.Kind, n.Name = "entity", strings.TrimSpace(s.Target+" "+s.Name)
	}
	switch s.Kind {
	case "decision":
		n.Kind = "human"
	case agent.StepContext:
		n.Kind = "activity"
	}
	if grouped {
		n.ID = strings.Join([]string{owner, n.Kind, n.Name}, "/")
		return n
	}
	n.Run, n.Step = s.Run, s
	switch {
	case s.Decision != "":
		n.ID = owner + "/" + s.Decision
	case s.N == 0:
		n.ID = owner + "/wait/" + s.Name
	default:
		n.ID, n.EventID = owner+"/"+s.id(), &s.EventID
	}
	return n
}
