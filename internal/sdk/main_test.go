package sdk_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestServer wants the process that the other tests use to come back after kill -9.
func TestServer(t *testing.T) {
	s := startServer(t)
	get := func() (int, error) {
		response, err := http.Get("http://" + s.Addr + "/api/v1/runs")
		if err != nil {
			return 0, err
		}
		return response.StatusCode, response.Body.Close()
	}
	for range 2 {
		if status, err := get(); err != nil || status != http.StatusOK {
			t.Fatalf("GET /api/v1/runs = %d, %v", status, err)
		}
		s.Kill()
		if _, err := get(); err == nil {
			t.Error("a killed server answers")
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(s.Log.Tail(), "Perdure server") {
		t.Errorf("the log is %q", s.Log.Tail())
	}
}
