package httpapi

import (
	"net/http"

	"github.com/perdure/perdure/agent"
)

// switchBody is the body of a request that switches something off or on.
type switchBody struct {
	Agent  string `json:"agent"` // "" = all
	Tool   string `json:"tool"`  // "" = all that the agent does
	Off    *bool  `json:"off"`   // required
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// listSwitches tells what is switched off.
func (a *API) listSwitches(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	list, err := a.Agents.Service.SwitchesOff(r.Context())
	if err != nil {
		return nil, err
	}
	return &reply{body: &items[agent.SwitchedOff]{Items: list}}, nil
}

// setSwitch switches all agents, an agent or a tool off or on. It answers when that
// is durable, with what is switched off now.
func (a *API) setSwitch(w http.ResponseWriter, r *http.Request) (*reply, error) {
	var body switchBody
	if err := a.decode(w, r, &body); err != nil {
		return nil, err
	}
	if body.Off == nil {
		return nil, invalid("off is missing", `send {"off": true} to switch off, {"off": false} to switch on`)
	}
	what := agent.Switch{Agent: body.Agent, Tool: body.Tool}
	var err error
	if *body.Off {
		err = a.Agents.Service.SwitchOff(r.Context(), what, body.By, body.Reason)
	} else {
		err = a.Agents.Service.SwitchOn(r.Context(), what)
	}
	if err != nil {
		return nil, err
	}
	return a.listSwitches(w, r)
}
