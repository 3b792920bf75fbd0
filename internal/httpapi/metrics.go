package httpapi

import (
	"net/http"

	"github.com/perdure/perdure/internal/access"
)

// Metrics writes what a process counts about the hubs that a caller may see. Of
// access.AnyHub, seen says whether that is all of them, and the process itself.
type Metrics func(w http.ResponseWriter, r *http.Request, seen func(hub string) bool)

// metrics answers those who may read a hub with what is counted about that.
func (a *API) metrics(w http.ResponseWriter, r *http.Request) (*reply, error) {
	grant := access.From(r.Context())
	own := access.AnyHub
	if grant != nil {
		own = grant.Hub
	}
	if err := grant.Allow(own, access.Read); err != nil {
		return nil, err
	}
	a.Metrics(w, r, func(hub string) bool { return grant.Allow(hub, access.Read) == nil })
	return nil, nil
}
