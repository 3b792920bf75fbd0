package responses

import (
	"net/http"

	"github.com/perdure/perdure/agent"
)

// modelObject is an agent as a model.
type modelObject struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func viewModel(info agent.Info) modelObject {
	return modelObject{ID: info.Name, Object: "model", OwnedBy: "perdure"}
}

// list is a page of objects.
type list[T any] struct {
	Object  string  `json:"object"` // list
	Data    []T     `json:"data"`
	FirstID *string `json:"first_id"`
	LastID  *string `json:"last_id"`
	HasMore bool    `json:"has_more"`
}

func (h *Handler) listModels(http.ResponseWriter, *http.Request) (any, error) {
	models := list[modelObject]{Object: "list", Data: []modelObject{}}
	for _, info := range h.all() {
		models.Data = append(models.Data, viewModel(info))
	}
	return models, nil
}

func (h *Handler) getModel(_ http.ResponseWriter, r *http.Request) (any, error) {
	info, err := h.agentOf(r.PathValue("model"))
	if err != nil {
		return nil, err
	}
	return viewModel(info), nil
}
