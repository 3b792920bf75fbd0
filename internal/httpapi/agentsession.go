package httpapi

import (
	"net/http"

	"github.com/perdure/perdure/agent"
)

// ending is the answer to a stop.
type ending struct {
	Turn   string `json:"turn,omitempty"` // instance id of the turn that ends
	Status string `json:"status"`         // stopping, or idle: no turn runs
}

// stopBody is the body of stop.
type stopBody struct {
	Turn string `json:"turn"` // the one that is to end; "" = whichever runs
}

// stopTurn has the running turn of a session end, the one that the body names if
// it names one.
func (a *API) stopTurn(w http.ResponseWriter, r *http.Request) (*reply, error) {
	_, id, err := a.sessionOf(r)
	if err != nil {
		return nil, err
	}
	if _, err := query(r); err != nil {
		return nil, err
	}
	var body stopBody
	if err := a.decode(w, r, &body); err != nil {
		return nil, err
	}
	turn, err := a.Agents.Service.StopTurn(r.Context(), id, body.Turn)
	if err != nil {
		return nil, err
	}
	if turn == "" {
		return &reply{body: &ending{Status: "idle"}}, nil
	}
	return &reply{status: http.StatusAccepted, body: &ending{Turn: turn, Status: "stopping"}}, nil
}

// deleted is the answer to a deletion.
type deleted struct {
	Status string `json:"status"` // deleted
}

// deleteSession deletes a session with all that was said in it. It answers when
// that is gone. The parameter force names who has it deleted although the outcome
// of a call in it is not known.
func (a *API) deleteSession(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	_, id, err := a.sessionOf(r)
	if err != nil {
		return nil, err
	}
	q, err := query(r, "force")
	if err != nil {
		return nil, err
	}
	var options []agent.EndOption
	if by := q.Get("force"); by != "" {
		options = append(options, agent.Force(by))
	}
	if err := a.Agents.Service.Delete(r.Context(), id, options...); err != nil {
		return nil, err
	}
	return &reply{body: &deleted{Status: "deleted"}}, nil
}

// document is a session as one document.
type document struct {
	Session  session            `json:"session"`
	Messages []agent.LogMessage `json:"messages"`
}

// exportSession returns a session with all its messages.
func (a *API) exportSession(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	_, id, err := a.sessionOf(r)
	if err != nil {
		return nil, err
	}
	if _, err := query(r); err != nil {
		return nil, err
	}
	e, err := a.Agents.Service.Export(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if err := a.taken(r, id.String()); err != nil {
		return nil, err
	}
	v, err := a.viewSession(r.Context(), e.Session)
	if err != nil {
		return nil, err
	}
	return &reply{body: &document{Session: *v, Messages: e.Messages}}, nil
}
