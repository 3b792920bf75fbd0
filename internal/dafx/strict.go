package dafx

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// Members of version 2.0 only.
const (
	memberResults  = "terminalResults"
	memberReceipts = "completionReceipts"
)

// maxToken bounds a continuation token, in characters of base64.
const maxToken = 16384

// checkStrict checks what version 2.0 demands: there is nothing in it that one may
// pass over.
func (d *Document) checkStrict() error {
	for _, name := range []string{memberHistory, memberResults, memberReceipts} {
		if d.data.Get(name) == nil {
			return malformed("state document", "%s is missing, which version 2.0.0 demands", name)
		}
	}
	for i, e := range d.Entries {
		if err := e.checkStrict(); err != nil {
			return malformed("state document", "entry %d: %v", i, err)
		}
	}
	if err := eachOf(d.data, memberResults, checkTerminalResult); err != nil {
		return err
	}
	return eachOf(d.data, memberReceipts, checkReceipt)
}

// eachOf checks the members of an object, which are named by correlation ids.
func eachOf(data Members, name string, check func(Members) error) error {
	all := objectOf(data.Get(name))
	if all == nil {
		return malformed("state document", "%s is no object", name)
	}
	for _, member := range all {
		m := objectOf(member.Value)
		id, _ := stringOf(m.Get(memberCorrelation))
		err := checkID(member.Name)
		switch {
		case err != nil:
		case m == nil:
			err = malformed(name, "%s is no object", shown(member.Value))
		case id != member.Name:
			err = malformed(name, "its correlationId is %q", id)
		default:
			err = check(m)
		}
		if err != nil {
			return malformed("state document", "%s of %q: %v", name, member.Name, err)
		}
	}
	return nil
}

func (e Entry) checkStrict() error {
	switch kind := e.Kind(); kind {
	case EntryRequest, EntryResponse, EntryError:
		if err := checkID(e.CorrelationID()); err != nil {
			return err
		}
	case EntryCompaction:
	default:
		return malformed("entry", "there is no kind %q", kind)
	}
	return checkStrictMessages(e.Get(memberMessages))
}

var strictRoles = []string{"user", "assistant", "system", "tool", "developer"}

var strictKinds = []string{
	kindText, kindReasoning, kindData, kindURI, kindError, kindCall, kindResult, kindFile, kindVectorStore, kindUsage, kindUnknown,
}

func checkStrictMessages(raw json.RawMessage) error {
	var messages []Members
	if raw != nil && json.Unmarshal(raw, &messages) != nil {
		return malformed("entry", "messages are no array of objects")
	}
	for i, m := range messages {
		if role, _ := stringOf(m.Get("role")); !slices.Contains(strictRoles, role) {
			return malformed("entry", "message %d: there is no role %q", i, role)
		}
		var contents []Members
		if raw := m.Get("contents"); raw != nil && json.Unmarshal(raw, &contents) != nil {
			return malformed("entry", "contents of message %d are no array of objects", i)
		}
		for j, c := range contents {
			if err := checkStrictContent(c); err != nil {
				return malformed("entry", "content %d of message %d: %v", j, i, err)
			}
		}
	}
	return nil
}

func checkStrictContent(c Members) error {
	r := &reader{where: "content", m: c}
	kind := r.kind()
	if !slices.Contains(strictKinds, kind) {
		return malformed("content", "there is no kind %q", kind)
	}
	if kind == kindCall {
		if _, ok := stringOf(c.Get("arguments")); !ok && !isObject(c.Get("arguments")) {
			return malformed("content", "arguments are neither an object nor a text")
		}
	}
	_, err := ReadContent(c.raw())
	return err
}

func checkTerminalResult(m Members) error {
	failed, err := checkOutcome(m)
	if err != nil {
		return err
	}
	if failed != (m.Get("error") != nil) {
		return malformed("result", "an error goes with the outcome failed, and only with that")
	}
	response := objectOf(m.Get("response"))
	token, ok := stringOf(response.Get("continuationToken"))
	if _, err := base64.StdEncoding.DecodeString(token); !ok || err != nil || len(token) > maxToken {
		return malformed("result", "the continuation token is no base64 of at most %d characters", maxToken)
	}
	return checkStrictMessages(response.Get(memberMessages))
}

func checkReceipt(m Members) error {
	if _, err := checkOutcome(m); err != nil {
		return err
	}
	if state, _ := stringOf(m.Get("resultState")); state != "available" && state != "unavailable" {
		return malformed("receipt", "there is no result state %q", state)
	}
	return nil
}

func checkOutcome(m Members) (failed bool, err error) {
	switch outcome, _ := stringOf(m.Get("outcome")); outcome {
	case "succeeded":
		return false, nil
	case "failed":
		return true, nil
	default:
		return false, malformed("result", "there is no outcome %q", outcome)
	}
}

// maxIDLength bounds correlation ids, in code points.
const maxIDLength = 256

func checkID(id string) error {
	control := func(c rune) bool { return c < 0x20 || c >= 0x7f && c < 0xa0 }
	switch {
	case strings.TrimSpace(id) == "":
		return malformed("correlation id", "it is blank")
	case utf8.RuneCountInString(id) > maxIDLength:
		return malformed("correlation id", "it has more than %d characters", maxIDLength)
	case strings.ContainsFunc(id, control):
		return malformed("correlation id", "it has control characters")
	}
	return nil
}
