package httpapi

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/perdure/perdure"
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
		if err = a.knownSwitch(what); err == nil {
			err = a.Agents.Service.SwitchOff(r.Context(), what, cmp.Or(body.By, principal(r.Context())), body.Reason)
		}
	} else {
		err = a.Agents.Service.SwitchOn(r.Context(), what)
	}
	if err != nil {
		return nil, err
	}
	return a.listSwitches(w, r)
}

// knownSwitch reports an agent or a tool that there is not: who has mistyped its
// name must not believe that it is off.
func (a *API) knownSwitch(s agent.Switch) error {
	about := a.Agents.all()
	if s.Agent != "" {
		info, err := a.agentNamed(s.Agent)
		if err != nil {
			return err
		}
		about = []agent.Info{info}
	}
	if s.Tool == "" {
		return nil
	}
	var tools []string
	for _, info := range about {
		for _, t := range info.Tools {
			tools = append(tools, t.Name)
		}
	}
	if slices.Contains(tools, s.Tool) {
		return nil
	}
	return &problem{Status: http.StatusNotFound, Code: perdure.NotFound.String(), Detail: "there is no tool " + shown(s.Tool),
		Hint: choose(s.Tool, tools, "no tool is registered here")}
}
