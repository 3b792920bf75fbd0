package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"
)

// FuzzAnswer shows what any server might answer, in each format: a failure, or
// output without control characters that would command the terminal.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"items":[{"id":"a","name":"N","phase":"running","status":"running","created":"2026-01-02T03:04:05Z","duration_ms":5}],"next":"x","partial":true,"as_of":"p"}`))
	f.Add([]byte(`{"items":[null,{"id":"\u001b[2J","error":{"type":"T","message":"m"}}],"upsert":[{"id":"a"},null]}`))
	f.Add([]byte(`{"code":"not_found","detail":"\u001b]0;x","hint":"h"}`))
	f.Add([]byte(`{"items":[{"duration_ms":9223372036854775807}]}`))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []string{"table", "json", "jsonl"} {
			var shown bytes.Buffer
			o := &output{format: format, time: "utc", terminal: &terminal{
				out: &shown, err: io.Discard, outTTY: true, width: 80,
				now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
			}}
			_, _ = o.runs(data, "none")
			_ = o.changes(event{kind: "runs", data: data})
			var r row
			if json.Unmarshal(data, &r) == nil {
				o.details(&r)
			}
			if format == "table" && bytes.ContainsRune(shown.Bytes(), '\x1b') {
				t.Errorf("%q is shown as %q, want no escape", data, shown.Bytes())
			}
		}
		var f *failure
		if err := refused(500, data); !errors.As(err, &f) || f.code == exitDone {
			t.Errorf("refused(%q) = %v, want a failure", data, err)
		}
	})
}

// FuzzTags reads tags of the command line.
func FuzzTags(f *testing.F) {
	f.Add("team=blue", "tier=")
	f.Add("=", "a")
	f.Add("a=b=c", "a=d")
	f.Fuzz(func(t *testing.T, a, b string) {
		tags, err := parseTags([]string{a, b})
		if err != nil {
			return
		}
		for k := range tags {
			if got, err := parseTags([]string{k + "=" + tags[k]}); err != nil || got[k] != tags[k] {
				t.Errorf("parseTags(%q=%q) = %v, %v", k, tags[k], got, err)
			}
		}
	})
}
