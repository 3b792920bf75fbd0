package httpapi

import (
	"encoding/json"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/access"
)

// Operation describes a route of /api/v1: who may use it, what it takes and what it
// answers. The OpenAPI document and the TypeScript declarations are made from it.
type Operation struct {
	Pattern string // as of http.ServeMux: "GET /api/v1/runs"
	Right   access.Right
	Does    string  // in a sentence
	Query   []Param // parameters in the query
	Body    any     // a value of the type of the request's JSON; nil = none
	Reply   any     // a value of the type of the answer's JSON; nil = it is no JSON
	DryRun  any     // as Reply, of the answer under dry_run if that is another one
	// Events are the server-sent events of a stream by name, each a value of the type
	// of its data.
	Events map[string]any
}

// Problem returns a value of the type of the JSON of errors.
func Problem() any { return problem{} }

// Param is a parameter in the query of a request.
type Param struct {
	Name, Type string // string, integer or boolean
	Does       string
	Many       bool // it may be repeated
}

func text(name, does string) Param   { return Param{Name: name, Type: "string", Does: does} }
func number(name, does string) Param { return Param{Name: name, Type: "integer", Does: does} }
func flag(name, does string) Param   { return Param{Name: name, Type: "boolean", Does: does} }
func many(name, does string) Param   { return Param{Name: name, Type: "string", Does: does, Many: true} }

// paged returns parameters with those of a page after them.
func paged(params ...Param) []Param {
	return append(params, text("cursor", "next of the page before"), number("limit", "rows at most: 100 if absent, 1000 at most"))
}

// Operations lists all routes of /api/v1, whichever of them a server has.
func Operations() []Operation {
	var all []Operation
	for _, list := range [][]Operation{runReads(), runCommands(), entityOperations(), agentOperations(), sessionOperations(),
		decisionOperations(), workerOperations(), activityOperations(), serverOperations()} {
		all = append(all, list...)
	}
	return all
}

func runReads() []Operation {
	const one = "/api/v1/runs/{id}"
	filter := text("filter", "in the filter language, such as status:failed name:Order* created>-24h")
	execution := text("execution", "another execution than the current one")
	return []Operation{
		{Pattern: "GET /api/v1/runs", Right: access.Read, Does: "Lists runs that match a filter.", Reply: runPage{},
			Query: paged(filter, text("sort", "-created (default), created, -completed, completed, id, name, -name, duration or -duration"),
				text("at", "a time to jump to, with the sorts created and completed"), text("fields", "members of the runs, joined by commas; absent = all"))},
		{Pattern: "GET /api/v1/run-histogram", Right: access.Read, Does: "Counts runs by when they were created.", Reply: histogram{}, Query: []Param{filter}},
		{Pattern: "GET /api/v1/run-failures", Right: access.Read, Does: "Groups runs that have failed by what has gone wrong.", Reply: failureGroups{}, Query: []Param{filter}},
		{Pattern: "GET /api/v1/series", Right: access.Read, Does: "Tells what was counted by minutes: runs, steps, models and the store.", Reply: seriesPage{},
			Query: []Param{text("from", "a time, or a duration before now such as -1h, which is the default; counts are kept for 8 days"), text("to", "as from; now if absent"),
				text("step", "a duration of whole minutes between points; absent = about 60 points"), text("name", "of the runs"), text("agent", "whose runs and models")}},
		{Pattern: "GET /api/v1/run-facets", Right: access.Read, Does: "Lists values of a field of runs, or the fields, for completion.", Reply: facets{},
			Query: []Param{text("field", "of the filter language; absent = list the fields"), text("prefix", "the values begin with"), filter}},
		{Pattern: "GET /api/v1/runs/{id}/executions", Right: access.Read, Reply: items[pastExecution]{}, Query: paged(),
			Does: "Lists the executions that a run was in before its current one, newest first."},
		{Pattern: "GET /api/v1/audit", Right: access.Read, Reply: auditPage{},
			Does: "Lists who has changed what, newest first, of one instance or of all.",
			Query: paged(text("target", "id of the instance, ~hub = the hub itself"), text("by", "name of the token, or of the person in whose name it was used"),
				text("action", "such as suspend"), text("from", "a time, or a duration before now such as -1h"), text("to", "as from"))},
		{Pattern: "GET /api/v1/audit/verify", Right: access.Read, Reply: auditReport{},
			Does:   "Walks the chains of the audit and names the entries that do not fit. Under Accept: text/event-stream it tells its progress.",
			Query:  []Param{text("heads", "where the chains ended, as an earlier answer says: they must go on from there")},
			Events: map[string]any{"progress": auditProgress{}, "done": auditReport{}, "error": problem{}}},
		{Pattern: "GET /api/v1/run-counts", Right: access.Read, Does: "Counts runs.", Reply: runCounts{},
			Query: []Param{filter, text("group", "columns joined by commas: name, status, phase")}},
		{Pattern: "GET " + one, Right: access.Read, Does: "Returns a run.", Reply: run{},
			Query: []Param{text("wait", "a duration such as 30s in which to wait for the end")}},
		{Pattern: "GET " + one + "/history", Right: access.Read, Does: "Returns events of a run's history.", Reply: historyPage{},
			Query: []Param{execution, number("after", "number of the event before the first"), number("limit", "events at most: 1000 if absent"),
				text("filter", "words that the event has in its number, type, name, instance, status, reason or failure; after then counts those that do")}},
		{Pattern: "GET " + one + "/steps", Right: access.Read, Does: "Returns the steps of a run in the order in which they were scheduled.", Reply: stepPage{},
			Query: []Param{execution, number("after", "place of the step before the first"), number("limit", "steps at most: 1000 if absent, 10000 at most")}},
		{Pattern: "GET " + one + "/conversation", Right: access.Read, Does: "Returns what agents and people said in a run and those below it, in the order of time.",
			Reply: conversation{}, Query: []Param{number("after", "place of the entry before the first"), number("limit", "entries at most: 1000")}},
		{Pattern: "GET " + one + "/graph", Right: access.Read, Does: "Returns the steps of a run, and of agents below it, as a graph.", Reply: graph{}, Query: []Param{execution}},
		{Pattern: "GET " + one + "/tree", Right: access.Read, Does: "Returns the family of a run, from its root down.", Reply: runTree{}},
		{Pattern: "GET " + one + "/state", Right: access.Read, Does: "Returns a run as it was after an event.", Reply: runState{},
			Query: []Param{number("at", "number of the event, from 1; 0 = the newest"), execution}},
		{Pattern: "GET " + one + "/logs", Right: access.Read, Does: "Returns what the code of a run has logged, the newest lines first.", Reply: logPage{},
			Query: []Param{many("step", "event_id of a step that has logged it, 0 = the orchestration; absent = all"),
				text("level", "at least debug, info, warn or error"), text("cursor", "next of the page before"), number("limit", "lines at most: 1000 if absent, 5000 at most")}},
		{Pattern: "GET " + one + "/events/{n}/payload", Right: access.Read, Does: "Returns the payload of an event as it is stored, in ranges if asked so.",
			Query: []Param{execution}},
		{Pattern: "GET /api/v1/stream", Right: access.Read, Does: "Streams changes of topics.",
			Query: []Param{many("topics", "list:<filter>, runs:<filter>, run:<id>, counts, inbox, sessions:<agent>, turn:<id>@<offset>, entities, entities:<name>, workers or logs:<id>"), text("since", "as_of of a list, or the id of a frame"),
				text("held", "with list:, the rows that the client holds: three bytes of each id")},
			Events: map[string]any{"hello": hello{}, "reset": hello{}, "list": listFrame{}, "runs": frame{}, "run": frame{}, "counts": countsFrame{},
				"inbox": inboxFrame{}, "sessions": sessionsFrame{}, "turn": turnFrame{}, "entities": entitiesFrame{}, "workers": workersFrame{}, "logs": logFrame{}}},
	}
}

func runCommands() []Operation {
	const one = "POST /api/v1/runs/{id}"
	dry := []Param{flag("dry_run", "change nothing, say what would be")}
	return []Operation{
		{Pattern: "POST /api/v1/batches", Right: access.Write, Query: dry, Body: batchBody{}, Reply: batch{},
			Does:   "Does one thing to many runs, by ids or a filter; leaving cancels it. Under Accept: text/event-stream it tells its progress.",
			Events: map[string]any{"progress": batch{}, "done": batch{}}},
		{Pattern: "POST /api/v1/runs", Right: access.Write, Does: "Starts a run, or finds it.", Body: startBody{}, Reply: started{}},
		{Pattern: one + "/events/{name}", Right: access.Write, Does: "Raises the body, any JSON, as an event.", Body: json.RawMessage{}, Reply: run{}},
		{Pattern: one + "/requests/{name}", Right: access.Write, Does: "Raises the body as a request-reply event and answers with the reply.",
			Body: json.RawMessage{}, Reply: answered{}},
		{Pattern: one + "/suspend", Right: access.Write, Does: "Suspends a run; running steps finish.", Body: controlBody{}, Reply: run{}},
		{Pattern: one + "/resume", Right: access.Write, Does: "Resumes a suspended run.", Body: controlBody{}, Reply: run{}},
		{Pattern: one + "/cancel", Right: access.Write, Does: "Cancels a run.", Body: controlBody{}, Reply: run{}},
		{Pattern: one + "/terminate", Right: access.Write, Does: "Terminates a run.", Body: controlBody{}, Reply: run{}},
		{Pattern: one + "/restart", Right: access.Write, Does: "Begins a run anew.", Body: restartBody{}, Reply: run{}},
		{Pattern: one + "/rewind", Right: access.Write, Does: "Goes on from before the failure, or from before an event.", Query: dry, Body: rewindBody{}, Reply: run{}, DryRun: rewound{}},
		{Pattern: one + "/fork", Right: access.Write, Does: "Begins a new run as a copy of a run up to an event.", Query: dry, Body: forkBody{}, Reply: run{}, DryRun: rewound{}},
		{Pattern: one + "/purge", Right: access.Write, Does: "Deletes a run that has ended.", Query: dry, Body: purgeBody{}, Reply: purged{}},
	}
}

func entityOperations() []Operation {
	const one = "/api/v1/entities/{name}/{key}"
	return []Operation{
		{Pattern: "GET /api/v1/entities", Right: access.Read, Does: "Lists entities by id.", Reply: entityPage{},
			Query: paged(text("name", "of the entities"), text("key", "the beginning of their keys, with name"))},
		{Pattern: "GET " + one, Right: access.Read, Does: "Returns an entity with its state.", Reply: entity{},
			Query: []Param{flag("raw", "of a session the state as it is stored"), text("correlationId", "of a session, whose answer to return")}},
		{Pattern: "POST " + one + "/signal", Right: access.Write, Does: "Sends a one-way operation.", Body: operationBody{}, Reply: entity{}},
		{Pattern: "POST " + one + "/call", Right: access.Write, Does: "Runs an operation and answers with its result.", Body: operationBody{}, Reply: answered{}},
	}
}

func agentOperations() []Operation {
	return []Operation{
		{Pattern: "GET /api/v1/agents", Right: access.Read, Does: "Lists agents.", Reply: items[agent.Info]{}},
		{Pattern: "GET /api/v1/agents/{agent}", Right: access.Read, Does: "Returns an agent.", Reply: agent.Info{}},
		{Pattern: "GET /api/v1/agents/{agent}/sessions", Right: access.Read, Does: "Lists sessions of an agent.", Reply: items[*session]{}, Query: paged()},
		{Pattern: "GET /api/v1/switches", Right: access.Read, Does: "Tells what is switched off.", Reply: items[agent.SwitchedOff]{}},
		{Pattern: "POST /api/v1/switches", Right: access.Write, Does: "Switches agents or tools off or on.", Body: switchBody{}, Reply: items[agent.SwitchedOff]{}},
	}
}

func sessionOperations() []Operation {
	const one = "/api/v1/agents/{agent}/sessions/{key}"
	frames := map[string]any{"accepted": posted{}, "error": problem{}}
	for _, t := range []agent.FrameType{agent.FrameStep, agent.FrameReset, agent.FrameText, agent.FrameReasoning, agent.FrameToolCall,
		agent.FrameToolResult, agent.FrameDecision, agent.FrameDecided, agent.FrameAgent, agent.FrameEnd} {
		frames[string(t)] = agent.Frame{}
	}
	return []Operation{
		{Pattern: "GET " + one, Right: access.Read, Does: "Returns a session.", Reply: session{}},
		{Pattern: "DELETE " + one, Right: access.Write, Does: "Deletes a session with all that was said in it.", Reply: deleted{},
			Query: []Param{text("force", "who has it deleted although the outcome of a call in it is not known")}},
		{Pattern: "GET " + one + "/messages", Right: access.Read, Does: "Returns the conversation from a position on.", Reply: transcript{},
			Query: []Param{number("from", "position of the first message"), number("limit", "messages at most: 1000")}},
		{Pattern: "POST " + one + "/messages", Right: access.Write,
			Does: "Says something; a new key makes the session. Under Accept: text/event-stream the answer is the turn's stream.",
			Body: newMessage{}, Reply: posted{}, Events: frames},
		{Pattern: "GET " + one + "/export", Right: access.Read, Does: "Returns a session with all its messages.", Reply: document{}},
		{Pattern: "POST " + one + "/stop", Right: access.Write, Does: "Ends the running turn.", Body: stopBody{}, Reply: ending{}},
		{Pattern: "GET " + one + "/turns", Right: access.Read, Does: "Lists turns, the newest first.", Reply: items[turnAccount]{}, Query: paged()},
		{Pattern: "GET " + one + "/turns/{turn}/steps", Right: access.Read, Does: "Lists the steps of a turn.", Reply: items[turnStep]{}},
		{Pattern: "GET " + one + "/turns/{turn}/stream", Right: access.Read, Does: "Streams a turn from an offset on.", Events: frames,
			Query: []Param{number("offset", "of the first frame")}},
	}
}

func decisionOperations() []Operation {
	var all []Operation
	for _, path := range []string{"/api/v1/decisions", "/api/v1/approvals"} {
		all = append(all,
			Operation{Pattern: "GET " + path, Right: access.Read, Does: "Lists decisions, the nearest deadline first; of a state other than pending the newest first.", Reply: items[*decisionView]{},
				Query: paged(text("kind", "approval, outcome_unknown, budget or restore_hold"), text("state", "pending, answered, expired or superseded"),
					text("run", "id of the run that waits"), text("assignee", "who is to decide"))},
			Operation{Pattern: "GET " + path + "/{id}", Right: access.Read, Does: "Returns a decision.", Reply: decisionView{}},
			Operation{Pattern: "POST " + path + "/{id}", Right: access.Write, Does: "Answers a decision; 409 with the current row if it was answered.",
				Body: decisionAnswer{}, Reply: decisionView{}})
	}
	return all
}

func workerOperations() []Operation {
	return []Operation{
		{Pattern: "GET /api/v1/demand", Right: access.Read | access.Work, Does: "Tells how much work there is for workers.", Reply: demand{},
			Query: []Param{many("kind", "orchestration, activity or entity"), many("name", "of the work")}},
		{Pattern: "GET /api/v1/workers", Right: access.Read, Does: "Lists workers: those that are called by URL, and those that are connected.", Reply: workersPage{}},
		{Pattern: "GET /api/v1/backlog", Right: access.Read, Does: "Tells what work is ready and waits, what nobody serves first.", Reply: items[backlogView]{}},
		{Pattern: "GET /api/v1/run-overlay", Right: access.Read, Reply: items[*overlay]{},
			Does:  "Tells of runs whether their work is queued or executed at this moment, from the memory of who carries them on. Runs without work that is due are left out.",
			Query: []Param{many("id", "of a run; 1 to 100"), flag("steps", "tell each piece of work, 1000 of a run at most")}},
		{Pattern: "GET /api/v1/takeovers", Right: access.Read, Does: "Lists when this node took shards of nodes that were lost, the newest first.", Reply: items[takeoverView]{}},
		{Pattern: "GET /api/v1/nodes", Right: access.Read, Does: "Lists the nodes that share the hub.", Reply: items[nodeView]{}},
		{Pattern: "POST /api/v1/workers", Right: access.Write, Does: "Registers a worker that is called by URL.", Body: workerBody{}, Reply: workerView{}},
		{Pattern: "GET /api/v1/workers/{worker}", Right: access.Read, Does: "Returns a worker.", Reply: workerView{}},
		{Pattern: "DELETE /api/v1/workers/{worker}", Right: access.Write, Does: "Forgets a worker.", Reply: named{}},
	}
}

func activityOperations() []Operation {
	var all []Operation
	for _, path := range []string{"POST /api/v1/activities", "POST /api/v1/activities/{token}"} {
		all = append(all,
			Operation{Pattern: path + "/complete", Right: access.Work, Does: "Completes an activity by its token.", Body: completeBody{}, Reply: acknowledged{}},
			Operation{Pattern: path + "/fail", Right: access.Work, Does: "Fails an activity by its token.", Body: failBody{}, Reply: acknowledged{}},
			Operation{Pattern: path + "/heartbeat", Right: access.Work, Does: "Says that an activity is alive.", Body: heartbeatBody{}, Reply: acknowledged{}})
	}
	return all
}

// serverOperations are about the server. Those about hubs and tokens are open to all:
// their handlers look at what was shown.
func serverOperations() []Operation {
	return []Operation{
		{Pattern: "GET /api/v1/info", Right: access.Known, Does: "Describes the server.", Reply: Info{}},
		{Pattern: "GET /api/v1/doctor", Right: access.Read, Does: "Tells what is found of the server's store: perdure doctor shows it.", Reply: items[storeFinding]{}},
		{Pattern: "POST /api/v1/login", Right: access.Anyone, Does: "Trades a token for a cookie that no script can read.", Body: loginBody{}, Reply: caller{}},
		{Pattern: "POST /api/v1/logout", Right: access.Anyone, Does: "Forgets the token in the cookie.", Reply: acknowledged{}},
		{Pattern: "GET /api/v1/openapi.json", Right: access.Known, Does: "Returns this document.", Reply: json.RawMessage{}},
		{Pattern: "GET /api/v1/backup", Right: access.Write, Does: "Writes a copy of the hub: all that there is, at the cost of reading it."},
		{Pattern: "GET /api/v1/hubs", Right: access.Anyone, Does: "Lists the hubs that the caller may see.", Reply: items[hubView]{}},
		{Pattern: "POST /api/v1/hubs", Right: access.Anyone, Does: "Makes a hub.", Body: hubBody{}, Reply: hubView{}},
		{Pattern: "DELETE /api/v1/hubs/{hub}", Right: access.Anyone, Does: "Deletes a hub with all that it holds.", Reply: hubView{}},
	}
}
