package httpapi

import "net/http"

// ending is the answer to a stop.
type ending struct {
	Turn   string `json:"turn,omitempty"` // instance id of the turn that ends
	Status string `json:"status"`         // stopping, or idle: no turn runs
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
	var body struct {
		Turn string `json:"turn"`
	}
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
