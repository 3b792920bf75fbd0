package modeltest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/perdure/perdure/model"
)

// ReadScript reads a script from JSON lines. A line is a step: an object, or an
// array of objects that are played in the same call. Lines that are empty or
// begin with # are left out. An object does one of
//
//	{"say": "It rains."}
//	{"call": "get_weather", "arguments": {"city": "Oslo"}}
//	{"think": "Let me see.", "protected": "c2ln"}
//	{"fail": 429, "code": "rate_limit_exceeded", "message": "slow down", "retry_after": "2s"}
//	{"cut": true}
//	{"pause": "200ms"}
//
// and may hold, for the whole step, "pace" (the time of a word, as "50ms"),
// "finish" and "usage": {"input": 210, "output": 38, "cached": 128, "written": 0,
// "reasoning": 5}. Arguments that are a string are JSON text, valid or not. The
// error names the line.
func ReadScript(r io.Reader) ([]Step, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("script: %w", err)
	}
	var steps []Step
	n := 0
	for line := range bytes.Lines(b) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		s, err := readStep(line)
		if err != nil {
			return nil, fmt.Errorf("script line %d: %w", n, err)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// scriptPart is one object of a script.
type scriptPart struct {
	Say        *string         `json:"say"`
	Call       *string         `json:"call"`
	Arguments  json.RawMessage `json:"arguments"`
	Think      *string         `json:"think"`
	Protected  string          `json:"protected"`
	Fail       int             `json:"fail"`
	Code       string          `json:"code"`
	Message    string          `json:"message"`
	RetryAfter scriptDuration  `json:"retry_after"`
	Cut        bool            `json:"cut"`
	Pause      scriptDuration  `json:"pause"`

	Pace   scriptDuration `json:"pace"`
	Finish string         `json:"finish"`
	Usage  *scriptUsage   `json:"usage"`
}

type scriptUsage struct {
	Input     int64 `json:"input"`
	Output    int64 `json:"output"`
	Cached    int64 `json:"cached"`
	Written   int64 `json:"written"`
	Reasoning int64 `json:"reasoning"`
}

// scriptDuration reads "200ms".
type scriptDuration time.Duration

func (d *scriptDuration) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return errors.New(`a duration is written as "200ms"`)
	}
	parsed, err := time.ParseDuration(s)
	*d = scriptDuration(parsed)
	return err
}

func readStep(line []byte) (Step, error) {
	var parts []scriptPart
	if line[0] != '[' {
		line = append(append([]byte{'['}, line...), ']')
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&parts); err != nil {
		return Step{}, err
	}
	if d.More() {
		return Step{}, errors.New("more than one value")
	}
	var all Step
	for _, p := range parts {
		s, err := p.step()
		if err != nil {
			return Step{}, err
		}
		all = all.Then(s)
	}
	return all, nil
}

func (p *scriptPart) step() (Step, error) {
	var does []Step
	if p.Say != nil {
		does = append(does, Say(*p.Say))
	}
	if p.Call != nil {
		s, err := p.call()
		if err != nil {
			return Step{}, err
		}
		does = append(does, s)
	}
	if p.Think != nil {
		does = append(does, Think(*p.Think, p.Protected))
	}
	if p.Fail != 0 {
		if p.Fail < 400 || p.Fail > 599 {
			return Step{}, fmt.Errorf("fail: %d is no status of a failure", p.Fail)
		}
		e := model.NewHTTPError(Provider, p.Fail, func(string) string { return "" }, time.Time{})
		e.Code, e.Message, e.RetryAfter = p.Code, p.Message, time.Duration(p.RetryAfter)
		does = append(does, Fail(e))
	}
	if p.Cut {
		does = append(does, Cut())
	}
	if p.Pause > 0 {
		does = append(does, Pause(time.Duration(p.Pause)))
	}
	if len(does) != 1 {
		return Step{}, fmt.Errorf("an object does one of say, call, think, fail, cut and pause, not %d", len(does))
	}
	s := does[0].Pace(time.Duration(p.Pace)).Finish(p.Finish)
	if u := p.Usage; u != nil {
		usage := model.Usage{InputTokenCount: u.Input, OutputTokenCount: u.Output, TotalTokenCount: u.Input + u.Output,
			CachedInputTokenCount: u.Cached, ReasoningTokenCount: u.Reasoning}
		if u.Written > 0 {
			usage.AdditionalCounts = map[string]int64{model.CountCacheWrite: u.Written}
		}
		s = s.Usage(usage)
	}
	return s, nil
}

// call keeps the bytes of the arguments; those of a string are its text.
func (p *scriptPart) call() (Step, error) {
	if len(p.Arguments) == 0 {
		return Call(*p.Call, nil), nil
	}
	if p.Arguments[0] == '"' {
		var text string
		err := json.Unmarshal(p.Arguments, &text)
		return Call(*p.Call, text), err
	}
	return Call(*p.Call, p.Arguments), nil
}
