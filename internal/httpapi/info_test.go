package httpapi_test

import (
	"strings"
	"testing"
)

// TestInfoListsWhatPeopleStart leaves out what is Perdure's own.
func TestInfoListsWhatPeopleStart(t *testing.T) {
	url := serve(t, fixture(), nil)
	want := `"orchestrations":["ContentApproval","Order"]`
	if got := do(t, "GET", url+"/api/v1/info", ""); !strings.Contains(got.Body, want) {
		t.Errorf("info = %s, want %s in it", got.Body, want)
	}
}
