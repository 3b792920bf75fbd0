package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// posted is a message that was accepted.
type posted struct {
	Turn          string `json:"turn"`   // instance id of the turn
	Status        string `json:"status"` // accepted or duplicate
	Session       string `json:"session"`
	CorrelationID string `json:"correlation_id"`
	Stream        string `json:"stream"`           // path of the turn's stream
	Steers        string `json:"steers,omitempty"` // running turn that was given the message
}

// newMessage is the body of a message.
type newMessage struct {
	Message        string `json:"message"`
	Role           string `json:"role"`
	IdempotencyKey string `json:"idempotency_key"`
	Idempotency    string `json:"idempotencyKey"`
	Busy           string `json:"busy"`
	// Contents follow the message: images, files, results of the caller's tools.
	Contents model.Contents    `json:"contents"`
	Options  agent.TurnOptions `json:"options"`
}

// postMessage says something in a session. It answers when that is durable, or
// with the stream of the turn.
func (a *API) postMessage(w http.ResponseWriter, r *http.Request) (*reply, error) {
	info, id, err := a.sessionOf(r)
	if err != nil {
		return nil, err
	}
	if _, err := query(r); err != nil {
		return nil, err
	}
	header, err := requestID(r)
	if err != nil {
		return nil, err
	}
	var body newMessage
	if err := a.decode(w, r, &body); err != nil {
		return nil, err
	}
	key, err := oneOf("idempotency key", header, body.IdempotencyKey, body.Idempotency)
	if err != nil {
		return nil, err
	}
	if err := checkContents(body.Contents); err != nil {
		return nil, err
	}
	accepted, err := a.Agents.Service.Send(r.Context(), id, agent.Message{
		Text: body.Message, Role: model.Role(body.Role), CorrelationID: key, Busy: agent.Busy(body.Busy),
		Contents: body.Contents, Options: body.Options,
	})
	if perdure.CodeOf(err) == perdure.FailedPrecondition && body.Busy == string(agent.BusyReject) {
		p := *problemOf(err)
		p.Hint = `wait until the turn has ended, or send with "busy": "queue", "steer" or "interrupt"`
		return nil, &p
	}
	if err != nil {
		return nil, err
	}
	answer := posted{
		Turn: accepted.Turn, Status: "accepted", Session: id.Key, CorrelationID: accepted.CorrelationID, Steers: accepted.Steers,
		Stream: "/api/v1/agents/" + url.PathEscape(info.Name) + "/sessions/" + url.PathEscape(id.Key) + "/turns/" + turnName(accepted.Turn) + "/stream",
	}
	if accepted.Duplicate {
		answer.Status = "duplicate"
	}
	if !acceptsEvents(r) {
		return &reply{status: http.StatusAccepted, body: &answer, header: [2]string{"Location", answer.Stream}}, nil
	}
	return nil, a.streamFrames(w, r, accepted.Turn, 0, &answer)
}

// checkContents reports contents of a type that no model is given: they are kept,
// where others have written them, but nobody can mean to say them.
func checkContents(list model.Contents) error {
	for i, c := range list {
		if raw, ok := c.(*model.Raw); ok {
			return invalid(fmt.Sprintf("contents[%d] has no known type: %s", i, shown(string(raw.JSON))),
				"known are text, data, uri, hostedFile, functionResult and others of package model")
		}
	}
	return nil
}

// oneOf returns the one text of several that are not blank.
func oneOf(what string, texts ...string) (string, error) {
	found := ""
	for _, t := range texts {
		t = strings.TrimSpace(t)
		if t == "" {
			continue
		}
		if found != "" && found != t {
			return "", invalid("the "+what+" is given twice, with different values", "")
		}
		found = t
	}
	return found, nil
}

func acceptsEvents(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/event-stream")
}

// turnName is the part of a turn's id that tells it from others of its session.
func turnName(turn string) string { return turn[strings.LastIndexByte(turn, '~')+1:] }

// turnPatience is how long a stream waits for a turn of which nothing is known.
const turnPatience = 2 * time.Second

// streamTurn streams a turn from an offset on.
func (a *API) streamTurn(w http.ResponseWriter, r *http.Request) (*reply, error) {
	_, id, err := a.sessionOf(r)
	if err != nil {
		return nil, err
	}
	q, err := query(r, "offset")
	if err != nil {
		return nil, err
	}
	offset, err := q.number("offset", 0, 1<<53)
	if err != nil {
		return nil, err
	}
	if last := r.Header.Get("Last-Event-ID"); last != "" && !q.Has("offset") {
		seen, err := strconv.ParseInt(last, 10, 64)
		if err != nil || seen < 0 {
			return nil, invalid("Last-Event-ID is "+shown(last)+", must be the offset of a frame", "")
		}
		offset = int(seen) + 1
	}
	turn, err := turnOf(r, id)
	if err != nil {
		return nil, err
	}
	if err := a.Agents.Service.Known(r.Context(), id, turn, turnPatience); err != nil {
		return nil, err
	}
	return nil, a.streamFrames(w, r, turn, int64(offset), nil)
}

// streamFrames sends the frames of a turn as server-sent events: the offset is
// the id of each, its type the event. With accepted it begins with that.
func (a *API) streamFrames(w http.ResponseWriter, r *http.Request, turn string, offset int64, accepted *posted) error {
	if a.streams.Add(1) > maxStreams {
		a.streams.Add(-1)
		return &perdure.Error{Code: perdure.ResourceExhausted, Op: "stream",
			Message: fmt.Sprintf("%d streams are open, which is the limit", maxStreams)}
	}
	defer a.streams.Add(-1)
	ctx, cancel := a.untilStop(r.Context())
	defer cancel()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	e := &eventWriter{w: w}
	if accepted != nil {
		e.send("", "accepted", accepted)
	} else {
		e.write(": turn " + turn + "\n\n")
	}
	frames := make(chan agent.Frame)
	ended := make(chan error, 1)
	go func() {
		defer close(frames)
		for f, err := range a.Agents.Service.Stream(ctx, turn, offset) {
			if err != nil {
				ended <- err
				return
			}
			select {
			case frames <- f:
			case <-ctx.Done():
				return
			}
		}
	}()
	e.pump(frames, a.Heartbeat, cancel)
	select {
	case err := <-ended:
		if ctx.Err() == nil && !errors.Is(err, ctx.Err()) {
			e.send("", "error", problemOf(err))
		}
	default:
	}
	return nil
}

// eventWriter writes server-sent events until the client is gone.
type eventWriter struct {
	w    http.ResponseWriter
	gone bool
}

// pump sends frames until there are no more, with comments while there are none.
// When the client is gone it cancels what makes them.
func (e *eventWriter) pump(frames <-chan agent.Frame, heartbeat time.Duration, cancel func()) {
	idle := time.NewTicker(heartbeat)
	defer idle.Stop()
	for {
		select {
		case f, ok := <-frames:
			if !ok {
				return
			}
			e.send(strconv.FormatInt(f.Offset, 10), string(f.Type), f)
			idle.Reset(heartbeat)
		case <-idle.C:
			e.write(": alive\n\n")
		}
		if e.gone {
			cancel()
			for range frames { // the maker ends
			}
			return
		}
	}
}

func (e *eventWriter) send(id, event string, data any) {
	text, err := marshal(data)
	if err != nil { // views are always encodable
		panic(err)
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	e.write(id + "event: " + event + "\ndata: " + string(text) + "\n\n")
}

func (e *eventWriter) write(text string) {
	if e.gone {
		return
	}
	if _, err := e.w.Write([]byte(text)); err != nil {
		e.gone = true
		return
	}
	e.gone = http.NewResponseController(e.w).Flush() != nil
}
