package main

import (
	"bytes"
	"encoding/json"
	"errors"
)

// encode makes the body of a request.
func encode(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fail(exitUsage, "", "%s", err)
	}
	return data, nil
}

// decode reads a document of the server.
func decode(data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fail(exitError, "does --hub name a perdure server?", "the server's answer is not understood: %v", err)
	}
	return nil
}

// isMissing reports whether an error says that something does not exist.
func isMissing(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.code == exitNotFound
}

// isConflict reports whether an error says that something was not so any more.
func isConflict(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.code == exitConflict
}

// list shows the items of a page: as one document, one a line, or as a table; empty
// is said when there are none.
func list[T any](o *output, raw json.RawMessage, empty string, head []string, cells func(*T) []string) error {
	if o.format == "json" {
		return o.document(raw)
	}
	var page struct {
		Items []json.RawMessage
		Next  json.RawMessage
	}
	if err := decode(raw, &page); err != nil {
		return err
	}
	var rows [][]string
	for _, item := range page.Items {
		if o.format == "jsonl" {
			if err := o.document(item); err != nil {
				return err
			}
			continue
		}
		var v T
		if err := decode(item, &v); err != nil {
			return err
		}
		rows = append(rows, cells(&v))
	}
	switch {
	case o.format == "table" && len(rows) == 0:
		o.say("%s", empty)
	case o.format == "table":
		o.table(head, rows)
	}
	if len(page.Next) > 0 && !bytes.Equal(page.Next, []byte(`""`)) && !bytes.Equal(page.Next, []byte("null")) {
		o.say("there are more; --limit shows more of them")
	}
	return nil
}
