package dashboard_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/perdure/perdure/dashboard"
)

// A program of one's own mounts the dashboard anywhere.
func ExampleHandler() {
	mux := http.NewServeMux()
	mux.Handle("/ops/", http.StripPrefix("/ops", dashboard.Handler(api, dashboard.Options{})))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ops/runs", nil))
	fmt.Println(strings.Contains(w.Body.String(), `<base href="/ops/">`))
	// Output: true
}
