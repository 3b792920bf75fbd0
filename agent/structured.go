package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
)

// DefaultRepairs is how often an answer that does not fit its format is asked for
// again.
const DefaultRepairs = 2

// sourceRepair is the Source.Type of messages by which a turn asks again.
const sourceRepair = "perdure.repair"

// structured reads the structured answer of a model. Invalid says what is wrong
// with one that does not fit.
func structured(f *model.Format, answer *model.Response) (value json.RawMessage, invalid string) {
	text := strings.TrimSpace(unfenced(finalText(answer)))
	var compacted bytes.Buffer
	if err := json.Compact(&compacted, []byte(text)); err != nil {
		return nil, "it is no JSON: " + err.Error()
	}
	var v any
	if err := json.Unmarshal(compacted.Bytes(), &v); err != nil {
		return nil, "it is no JSON: " + err.Error()
	}
	resolved, err := resolveSchema(f.Schema)
	if err == nil && resolved != nil {
		err = resolved.Validate(v)
	} else if _, object := v.(map[string]any); err == nil && !object {
		err = fmt.Errorf("it is no JSON object")
	}
	if err != nil {
		return nil, err.Error()
	}
	return compacted.Bytes(), ""
}

// unfenced takes off the code fence that models like to put around JSON.
func unfenced(text string) string {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, "```"); ok {
		if _, body, ok := strings.Cut(rest, "\n"); ok {
			return strings.TrimSuffix(strings.TrimSpace(body), "```")
		}
	}
	return text
}

// accept takes an answer of the model that calls no tools. One that does not fit
// the format is asked for again, within the limit.
func (t *turn) accept(out *modelOutput) (done bool, err error) {
	if out.Invalid == "" {
		return true, nil
	}
	if t.repairs++; t.repairs > t.policy.Repairs {
		return false, t.unfit(t.ctx.InstanceID(), t.repairs, out.Invalid)
	}
	return false, t.append(repair(out.Invalid))
}

// unfit is the error of a turn whose answers do not fit their format.
func (c *code) unfit(turn string, attempts int, why string) error {
	return &perdure.Error{Code: perdure.FailedPrecondition, Op: "run agent", Instance: turn,
		Message: fmt.Sprintf("agent %s has given no answer in the format that was asked for, in %d attempts: %s", c.agent.Name, attempts, why)}
}

// repair is the message that asks for an answer again which does not fit its format.
func repair(why string) *model.Message {
	m := model.UserText("The answer does not fit the format: " + why + "\nAnswer again with JSON that fits the schema, and nothing else.")
	m.Source = model.Source{Type: sourceRepair}
	return m
}

func (a *Agent) repairs() int {
	switch {
	case a.MaxRepairs < 0:
		return 0
	case a.MaxRepairs == 0:
		return DefaultRepairs
	}
	return a.MaxRepairs
}

// wrapped is the member in which an answer travels that is no object.
const wrapped = "value"

// FormatFor returns the format of answers that are a T: the JSON schema of T,
// whose fields are described by json and jsonschema tags. A T that is no struct
// or map travels as the member "value" of an object. ValueAs reads such answers.
func FormatFor[T any]() (*model.Format, error) {
	schema, err := jsonschema.For[T](nil)
	if err != nil {
		return nil, refused("the format %s: %v", reflect.TypeFor[T](), err)
	}
	if !isObject(reflect.TypeFor[T]()) {
		schema = &jsonschema.Schema{
			Type: "object", Properties: map[string]*jsonschema.Schema{wrapped: schema}, Required: []string{wrapped},
			AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
		}
	}
	text, err := json.Marshal(schema)
	if err != nil {
		return nil, refused("the format %s: %v", reflect.TypeFor[T](), err)
	}
	f := &model.Format{Schema: text, Strict: true}
	if name := reflect.TypeFor[T]().Name(); toolName.MatchString(name) {
		f.Name = name
	}
	return f, nil
}

// ValueAs returns a structured answer that was asked for by FormatFor.
func ValueAs[T any](r *Response) (T, error) {
	var v T
	if r == nil || len(r.Value) == 0 {
		return v, &perdure.Error{Code: perdure.FailedPrecondition, Op: "read answer", Message: "the answer has no structured value"}
	}
	data := r.Value
	if !isObject(reflect.TypeFor[T]()) {
		var outer map[string]json.RawMessage
		if err := json.Unmarshal(data, &outer); err != nil {
			return v, fmt.Errorf("structured answer: %w", err)
		}
		data = outer[wrapped]
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, fmt.Errorf("structured answer: %w", err)
	}
	return v, nil
}
