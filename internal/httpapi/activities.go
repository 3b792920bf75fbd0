package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/perdure/perdure/internal/history"
)

// completeBody is the body of complete. Token stands here or in the path.
type completeBody struct {
	Token  string          `json:"token"`
	Result json.RawMessage `json:"result"`
}

// failBody is the body of fail.
type failBody struct {
	Token        string `json:"token"`
	Type         string `json:"type"` // "" = "Error"
	Message      string `json:"message"`
	Stack        string `json:"stack"`
	NonRetriable bool   `json:"non_retriable"`
}

// heartbeatBody is the body of heartbeat.
type heartbeatBody struct {
	Token    string          `json:"token"`
	Progress json.RawMessage `json:"progress"`
}

// acknowledged is the answer to what has no other.
type acknowledged struct {
	OK bool `json:"ok"`
}

func (a *API) completeActivity(w http.ResponseWriter, r *http.Request) (*reply, error) {
	var body completeBody
	if err := a.activity(w, r, &body, &body.Token); err != nil {
		return nil, err
	}
	if err := a.Hub.Complete(r.Context(), body.Token, textOf(body.Result), nil); err != nil {
		return nil, err
	}
	return &reply{body: acknowledged{OK: true}}, nil
}

func (a *API) failActivity(w http.ResponseWriter, r *http.Request) (*reply, error) {
	body := failBody{Type: "Error"}
	if err := a.activity(w, r, &body, &body.Token); err != nil {
		return nil, err
	}
	if body.Message == "" {
		return nil, invalid("the message of the failure is empty", `say why: {"message": "..."}`)
	}
	f := &history.Failure{Type: body.Type, Message: body.Message, Stack: history.NoneIfEmpty(body.Stack), NonRetriable: body.NonRetriable}
	if err := a.Hub.Complete(r.Context(), body.Token, history.Text{}, f); err != nil {
		return nil, err
	}
	return &reply{body: acknowledged{OK: true}}, nil
}

func (a *API) heartbeatActivity(w http.ResponseWriter, r *http.Request) (*reply, error) {
	var body heartbeatBody
	if err := a.activity(w, r, &body, &body.Token); err != nil {
		return nil, err
	}
	if err := a.Hub.Heartbeat(r.Context(), body.Token, textOf(body.Progress)); err != nil {
		return nil, err
	}
	return &reply{body: acknowledged{OK: true}}, nil
}

// activity reads the body and the token, which stands in the path or the body.
func (a *API) activity(w http.ResponseWriter, r *http.Request, body any, token *string) error {
	if _, err := query(r); err != nil {
		return err
	}
	if err := a.decode(w, r, body); err != nil {
		return err
	}
	switch path := r.PathValue("token"); {
	case path == "":
	case *token != "" && *token != path:
		return invalid("the tokens in path and body differ", "")
	default:
		*token = path
	}
	if *token == "" || len(*token) > 4096 {
		return invalid("the activity's token is missing or too long", "it is what the activity handed out")
	}
	return nil
}
