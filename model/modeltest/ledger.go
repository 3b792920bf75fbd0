package modeltest

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/perdure/perdure/model"
)

// Outcomes of a request in a ledger.
const (
	OutcomeOpen     = "open"     // not ended yet
	OutcomeAnswered = "answered" // answered to the end
	OutcomeFailed   = "failed"   // refused, or ended by an error
	OutcomeCut      = "cut"      // broken off by the script
	OutcomeLeft     = "left"     // the caller closed the connection
)

// Entry is what a [Server] has noted about one request to a model: proof of what
// a program that crashed in between has sent, and what it would have paid. A
// request that was refused costs nothing; one that failed, was cut or left later
// is billed for what was produced until then.
type Entry struct {
	// Number counts the requests to models from 1.
	Number int `json:"number"`
	// Path is that of the URL.
	Path string `json:"path"`
	// Model is the model that was asked for.
	Model string `json:"model,omitzero"`
	// RequestID is the caller's name for the request: its Idempotency-Key, else
	// its X-Client-Request-Id.
	RequestID string `json:"request_id,omitzero"`
	// Hash identifies the body: equal bytes have equal hashes.
	Hash string `json:"hash"`
	// Outcome is one of the Outcome constants.
	Outcome string `json:"outcome"`
	// Status is the HTTP status; 0 as long as there is none.
	Status int `json:"status,omitzero"`
	// ResponseID is the id of the answer.
	ResponseID string `json:"response_id,omitzero"`
	// InputTokens and OutputTokens are what is billed, CachedTokens the part of
	// the input that costs less.
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
	CachedTokens int64 `json:"cached_tokens,omitzero"`
}

// ledger holds the entries of a server and writes each change to a file.
type ledger struct {
	mu      sync.Mutex // guards the fields below
	entries []Entry
	file    *os.File // nil = none
	err     error    // the first error in writing
}

// open notes a request before anything is done for it.
func (l *ledger) open(path, model, id string, body []byte) int {
	sum := sha256.Sum256(body)
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.entries) + 1
	l.entries = append(l.entries, Entry{Number: n, Path: path, Model: model, RequestID: id,
		Hash: hex.EncodeToString(sum[:16]), Outcome: OutcomeOpen})
	l.write(n)
	return n
}

// change edits the entry with the number.
func (l *ledger) change(n int, edit func(*Entry)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	edit(&l.entries[n-1])
	l.write(n)
}

// write appends the entry to the file and waits until it is on disk.
func (l *ledger) write(n int) {
	if l.file == nil || l.err != nil {
		return
	}
	line, err := json.Marshal(l.entries[n-1])
	if err == nil {
		_, err = l.file.Write(append(line, '\n'))
	}
	if err == nil {
		err = l.file.Sync()
	}
	l.err = err
}

// close closes the file; what is noted later is kept in memory only.
func (l *ledger) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.err = cmp.Or(l.err, l.file.Close())
		l.file = nil
	}
	return l.err
}

func (l *ledger) all() ([]Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Entry(nil), l.entries...), l.err
}

// ReadLedger reads the file that a server wrote, or the answer of its route
// /__ledger, and returns the newest state of each request. A last line that a
// crash has cut off is left out.
func ReadLedger(r io.Reader) ([]Entry, error) {
	var entries []Entry
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return entries, nil
		}
		if err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("ledger line %d: %w", n, err)
		}
		switch {
		case e.Number >= 1 && e.Number <= len(entries):
			entries[e.Number-1] = e
		case e.Number == len(entries)+1:
			entries = append(entries, e)
		default:
			return nil, fmt.Errorf("ledger line %d: request %d after request %d", n, e.Number, len(entries))
		}
	}
}

// countInput is the size of a request in words, which stand for tokens.
func countInput(req *model.Request) int64 {
	in := int64(len(strings.Fields(req.Instructions)))
	for _, m := range req.Messages {
		in += int64(len(strings.Fields(m.Text())) + 1)
	}
	return in
}

// countOutput is the size of an answer in words.
func countOutput(r *model.Response) int64 {
	out := 0
	for _, m := range r.Messages {
		for _, c := range m.Contents {
			switch c := c.(type) {
			case *model.Text:
				out += len(strings.Fields(c.Text))
			case *model.Reasoning:
				out += len(strings.Fields(c.Text))
			case *model.FunctionCall:
				out += len(strings.Fields(c.Arguments)) + 1
			}
		}
	}
	return int64(out)
}
