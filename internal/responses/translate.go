package responses

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/perdure/perdure/agent"
)

// outcome is how a segment has ended; "" = it has not.
type outcome string

const (
	outcomePaused    outcome = "paused" // approvals are asked for
	outcomeCompleted outcome = "completed"
	outcomeFailed    outcome = "failed"
	outcomeCanceled  outcome = "canceled"
)

// translator turns the frames of a turn, from the first on, into the events of
// one of its segments. What it does depends on the frames alone, so that each
// event has the same number whenever it is told.
type translator struct {
	ref       string          // the turn's part of the ids of items
	label     string          // of the agent as the server of its tools
	functions map[string]bool // names of the caller's tools
	segment   int             // that is wanted
	emit      func(event)

	current  int   // segment that is read
	sequence int64 // of the next event
	step     int
	attempt  int
	began    int64       // offset at which the attempt began
	items    int         // so far in the attempt, for their ids
	told     map[int]int // by step: the newest attempt, void ones included
	rewound  bool        // the next attempt is of the step after this one

	// read is what counts of the frames, with the attempts that were told; pieces that go on
	// with the one before, and what pieces say, are left out.
	read []agent.Frame

	output []*item // of the segment: what counts
	index  int     // output index of the next item, void ones included
	fresh  int     // items of output that are of this attempt
	open   *item   // text or reasoning that goes on
	text   string  // of it

	// held are the frames of the step from its first call on: calls count only
	// when the step has ended.
	held  []agent.Frame
	calls []*call

	ended outcome
}

// call is a call of a tool in the step.
type call struct {
	agent.Frame
	number   int
	function bool   // of the caller
	done     bool   // it has its result, or the caller is to make it
	waits    string // approval that it waits for, by the decision's id
	asked    string // approval that it has waited for last
}

// frame reads the next frame of the turn. What follows the segment is left alone.
func (t *translator) frame(f agent.Frame) {
	rewinds := f.Type == agent.FrameReset && f.Attempt == 0
	if t.ended != "" && (t.ended == outcomePaused || !rewinds) {
		return
	}
	t.sequence = firstSequence(f.Offset)
	switch {
	case rewinds:
		t.rewind(f)
		return
	case f.Type == agent.FrameStep || t.rewound && f.Type == agent.FrameReset:
		t.settle(f)
		t.step++ // f.Step begins anew when the conversation is handed over
		t.rewound, f.Type = false, agent.FrameStep
		f.Attempt = t.begin(f, 1)
	case f.Type == agent.FrameReset:
		t.void()
		f.Attempt = t.begin(f, t.attempt+1)
	default:
		t.take(f)
	}
	t.note(f)
}

// take reads a frame of an attempt that has begun.
func (t *translator) take(f agent.Frame) {
	switch f.Type {
	case agent.FrameText, agent.FrameReasoning:
		if len(t.held) > 0 {
			t.held = append(t.held, f)
		} else {
			t.say(f)
		}
	case agent.FrameToolCall:
		t.held = append(t.held, f)
	case agent.FrameToolResult:
		t.settle(f)
		t.result(f)
		t.pause()
	case agent.FrameDecision:
		t.settle(f)
		t.question(f)
		t.pause()
	case agent.FrameDecided:
		t.decided(f)
	case agent.FrameEnd:
		t.end(f)
	}
}

// void drops what the step has said so far, as it begins again.
func (t *translator) void() {
	t.held = nil
	t.close(statusIncomplete)
	t.output = t.output[:len(t.output)-t.fresh]
}

// begin begins an attempt of the step and returns its number, which is not below least. None
// is used twice, even if the turn was rewound to before the step.
func (t *translator) begin(f agent.Frame, least int) int {
	if t.told == nil {
		t.told = map[int]int{}
	}
	t.attempt = max(f.Attempt, least, t.told[t.step]+1)
	t.told[t.step], t.began = t.attempt, f.Offset
	t.items, t.calls, t.fresh = 0, nil, 0
	return t.attempt
}

// note adds to what was read.
func (t *translator) note(f agent.Frame) {
	if f.Type == agent.FrameText || f.Type == agent.FrameReasoning {
		if n := len(t.read); n > 0 && t.read[n-1].Type == f.Type {
			return
		}
		f.Delta = ""
	}
	t.read = append(t.read, f)
}

// rewind takes the translator back to before the offset to which the turn was rewound. What
// the segments before this one have told stays theirs.
func (t *translator) rewind(f agent.Frame) {
	to := f.Offset
	if f.ToOffset != nil {
		to = *f.ToOffset
	}
	then := &translator{ref: t.ref, label: t.label, functions: t.functions, segment: t.segment}
	for _, had := range t.read {
		if had.Offset < to {
			then.frame(had)
		}
	}
	then.settle(f)
	if t.began < to { // its model has answered
		t.settle(f)
	} else {
		t.held = nil
		t.close(statusIncomplete)
	}
	t.output = slices.DeleteFunc(t.output, func(i *item) bool {
		return !slices.ContainsFunc(then.output, func(kept *item) bool { return kept.ID == i.ID })
	})
	t.read, t.calls, t.ended, t.rewound = then.read, then.calls, "", true
	t.step, t.attempt, t.began, t.items, t.fresh = then.step, then.attempt, then.began, then.items, 0
}

// settle takes what the step has said as final, as the frame now shows. What was
// held has the numbers of its own frames.
func (t *translator) settle(now agent.Frame) {
	held := t.held
	t.held = nil
	for _, f := range held {
		t.sequence = firstSequence(f.Offset)
		if f.Type != agent.FrameToolCall {
			t.say(f)
			continue
		}
		t.close(statusCompleted)
		c := &call{Frame: f, number: t.items, function: t.functions[f.Tool]}
		t.items++
		t.calls = append(t.calls, c)
		if c.function {
			c.done = true
			t.functionCall(c)
		}
	}
	t.sequence = firstSequence(now.Offset)
	t.close(statusCompleted)
}

// end reads the last frame.
func (t *translator) end(f agent.Frame) {
	switch f.Status {
	case agent.TurnCompleted:
		t.settle(f)
		t.ended = outcomeCompleted
		return
	case agent.TurnCanceled, "terminated":
		t.ended = outcomeCanceled
	default:
		t.ended = outcomeFailed
	}
	t.held = nil
	if t.open != nil { // what was said stays, as far as it goes
		t.output = append(t.output, t.open)
		t.close(statusIncomplete)
	}
}

// say goes on with text or reasoning.
func (t *translator) say(f agent.Frame) {
	typ, delta := itemMessage, eventTextDelta
	if f.Type == agent.FrameReasoning {
		typ, delta = itemReasoning, eventReasoningDelta
	}
	if t.open != nil && t.open.Type != typ {
		t.close(statusCompleted)
	}
	if t.open == nil {
		t.openItem(typ)
	}
	t.text += f.Delta
	e := t.inContent(delta)
	e.Delta = &f.Delta
	t.send(e)
}

// openItem opens an item for text or reasoning.
func (t *translator) openItem(typ string) {
	t.open = &item{Type: typ, ID: t.id(typ, t.items), Status: statusInProgress}
	if typ == itemMessage {
		t.open.Role = "assistant"
	}
	t.items++
	t.text = ""
	t.itemEvent(eventItemAdded, t.open)
	e := t.inContent(eventPartAdded)
	e.Part = t.part("")
	t.send(e)
}

// close ends the open item, if there is one. An incomplete one does not count.
func (t *translator) close(status string) {
	if t.open == nil {
		return
	}
	done := eventTextDone
	if t.open.Type == itemReasoning {
		done = eventReasoningDone
	}
	text, whole := t.text, t.part(t.text)
	e := t.inContent(done)
	e.Text = &text
	t.send(e)
	e = t.inContent(eventPartDone)
	e.Part = whole
	t.send(e)
	t.open.Status, t.open.Content = status, []part{*whole}
	if status == statusCompleted {
		t.keep(t.open)
	}
	t.itemEvent(eventItemDone, t.open)
	t.index++
	t.open = nil
}

// functionCall tells a call that the caller is to make.
func (t *translator) functionCall(c *call) {
	i := &item{Type: itemFunctionCall, ID: t.id(itemFunctionCall, c.number), Status: statusInProgress, CallID: c.CallID, Name: c.Tool}
	t.itemEvent(eventItemAdded, i)
	e := event{Type: eventArgumentsDelta, ItemID: i.ID, OutputIndex: t.at(), Delta: &c.Arguments}
	t.send(e)
	e.Type, e.Delta, e.Arguments, e.Name = eventArgumentsDone, nil, &c.Arguments, c.Tool
	t.send(e)
	i.Status, i.Arguments = statusCompleted, c.Arguments
	t.keep(i)
	t.itemEvent(eventItemDone, i)
	t.index++
}

// result tells a call of a tool of the agent, which has ended.
func (t *translator) result(f agent.Frame) {
	at := slices.IndexFunc(t.calls, func(c *call) bool { return c.CallID == f.CallID && !c.done })
	if at < 0 {
		return
	}
	c := t.calls[at]
	c.done, c.waits = true, ""
	i := &item{Type: itemCall, ID: t.id(itemCall, c.number), Status: statusInProgress, ServerLabel: t.label, CallID: c.CallID, Name: c.Tool}
	if c.asked != "" {
		i.ApprovalRequestID = approvalPrefix + c.asked
	}
	t.itemEvent(eventItemAdded, i)
	e := event{Type: eventCallInProgress, ItemID: i.ID, OutputIndex: t.at()}
	t.send(e)
	e.Type, e.Delta = eventCallArgumentsDelta, &c.Arguments
	t.send(e)
	e.Type, e.Delta, e.Arguments = eventCallArgumentsDone, nil, &c.Arguments
	t.send(e)
	e.Type, e.Arguments = eventCallCompleted, nil
	i.Status, i.Arguments, i.Output = statusCompleted, c.Arguments, f.Result
	if f.Error != "" {
		e.Type, i.Status, i.Error = eventCallFailed, statusFailed, f.Error
	}
	t.send(e)
	t.keep(i)
	t.itemEvent(eventItemDone, i)
	t.index++
}

// question tells an approval that is asked for. Other decisions are none of the
// caller's: the response goes on when they are made.
func (t *translator) question(f agent.Frame) {
	at := slices.IndexFunc(t.calls, func(c *call) bool { return c.CallID == f.CallID && !c.done })
	if at < 0 {
		return
	}
	c := t.calls[at]
	switch {
	case f.Kind != agent.DecisionApproval:
		c.waits = ""
	case c.waits != f.Decision: // not told before
		c.waits, c.asked = f.Decision, f.Decision
		t.request(c)
	}
}

// decided notes that a call goes on.
func (t *translator) decided(f agent.Frame) {
	for _, c := range t.calls {
		if c.waits != "" && (c.waits == f.Decision || slices.Contains(f.With, c.waits)) {
			c.waits = ""
		}
	}
}

// request tells an approval request.
func (t *translator) request(c *call) {
	i := &item{Type: itemApprovalRequest, ID: approvalPrefix + c.waits, ServerLabel: t.label, Name: c.Tool, Arguments: c.Arguments}
	t.itemEvent(eventItemAdded, i)
	t.keep(i)
	t.itemEvent(eventItemDone, i)
	t.index++
}

// pause ends the segment if all that the step still waits for are approvals. What
// was asked before and is still open is asked again.
func (t *translator) pause() {
	waits := false
	for _, c := range t.calls {
		if !c.done && c.waits == "" {
			return
		}
		waits = waits || c.waits != ""
	}
	if !waits {
		return
	}
	for _, c := range t.calls {
		id := approvalPrefix + c.waits
		if c.waits != "" && !slices.ContainsFunc(t.output, func(i *item) bool { return i.ID == id }) {
			t.request(c)
		}
	}
	if t.current == t.segment {
		t.ended = outcomePaused
		return
	}
	t.current++
	t.output, t.index, t.fresh = nil, 0, 0
}

// keep adds an item to the output.
func (t *translator) keep(i *item) {
	t.output = append(t.output, i)
	t.fresh++
}

// prefixes of the ids of items.
var prefixes = map[string]string{itemMessage: "msg", itemReasoning: "rs", itemFunctionCall: "fc", itemCall: "mcp"}

// approvalPrefix begins the ids of approval requests; a decision's id follows.
const approvalPrefix = "mcpr_"

// id is the id of an item of the attempt. Items of the first attempt of a step
// can be found in the conversation by it.
func (t *translator) id(typ string, number int) string {
	place := strconv.Itoa(t.step)
	if t.attempt > 1 {
		place += fmt.Sprintf("x%d", t.attempt)
	}
	return itemID(prefixes[typ], place, number, t.ref)
}

// part is the part of the open item with a text.
func (t *translator) part(text string) *part {
	p := textPart(partOutputText, text)
	if t.open.Type == itemReasoning {
		p.Type = partReasoningText
	}
	return &p
}

// inContent is an event of the open item.
func (t *translator) inContent(typ string) event {
	first := 0
	e := event{Type: typ, ItemID: t.open.ID, OutputIndex: t.at(), ContentIndex: &first}
	if typ == eventTextDelta || typ == eventTextDone {
		e.Logprobs = &[]any{}
	}
	return e
}

func (t *translator) itemEvent(typ string, i *item) {
	now := *i
	t.send(event{Type: typ, OutputIndex: t.at(), Item: &now})
}

func (t *translator) at() *int {
	index := t.index
	return &index
}

// send numbers an event and tells it, if it is of the segment that is wanted.
func (t *translator) send(e event) {
	e.Sequence = t.sequence
	t.sequence++
	if t.current == t.segment && t.emit != nil {
		t.emit(e)
	}
}
