package httpapi

import (
	"net/http"

	"github.com/perdure/perdure/store"
)

// storeFinding is what was found of the server's store.
type storeFinding struct {
	Check string `json:"check"` // what was looked at, such as sync
	State string `json:"state" choices:"ok warn fail"`
	Text  string `json:"text"` // what was found, and what to do about it
}

// examine tells what is found of the store: what only the server can look at.
func (a *API) examine(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	body := items[storeFinding]{Items: []storeFinding{}}
	if a.Check == nil {
		return &reply{body: &body}, nil
	}
	found, err := a.Check(r.Context())
	if err != nil {
		return nil, err
	}
	states := map[store.Severity]string{store.Fine: "ok", store.Warning: "warn", store.Problem: "fail"}
	for _, f := range found {
		body.Items = append(body.Items, storeFinding{Check: f.Subject, State: states[f.Severity], Text: f.Text})
	}
	return &reply{body: &body}, nil
}
