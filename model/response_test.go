package model_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/model"
)

// Calls that the response itself answers wait for nothing.
func TestResponseCalls(t *testing.T) {
	r := &model.Response{Messages: []*model.Message{
		{Contents: model.Contents{&model.FunctionCall{CallID: "a"}, &model.FunctionCall{CallID: "b"}, &model.FunctionCall{CallID: "c", InformationalOnly: true}}},
		{Role: model.RoleTool, Contents: model.Contents{&model.FunctionResult{CallID: "a"}}},
		{Contents: model.Contents{&model.FunctionCall{CallID: "d"}}},
	}}
	var got []string
	for _, c := range r.Calls() {
		got = append(got, c.CallID)
	}
	if diff := cmp.Diff([]string{"b", "d"}, got); diff != "" {
		t.Errorf("Calls() (-want +got)\n%s", diff)
	}
}
