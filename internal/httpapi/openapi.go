package httpapi

import (
	_ "embed"
	"encoding/json"
	"net/http"
)

//go:generate go run ./gen

// openAPI is the document that gen makes of Operations.
//
//go:embed openapi.json
var openAPI []byte

func (a *API) getOpenAPI(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	return &reply{body: json.RawMessage(openAPI)}, nil
}
