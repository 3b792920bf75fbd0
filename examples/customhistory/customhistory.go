// Package customhistory keeps the conversations of an agent in a store of one's own:
// here a folder with a file a turn, in earnest a database that others read too. The
// model is given what that store returns. Turns stay as durable as ever: their steps
// are journaled here, and a turn is handed to the store before its caller is answered.
//
//	HISTORY=/tmp/history go run ./examples/serve customhistory
//	curl --json '{"message":"My name is Ann.","sessionId":"k1"}' \
//	  http://127.0.0.1:8080/api/agents/Assistant/run
//	curl --json '{"message":"What is my name?","sessionId":"k1"}' \
//	  http://127.0.0.1:8080/api/agents/Assistant/run
//	cat /tmp/history/*/*
package customhistory

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// Folder is an agent.History: a directory for each conversation, in it a file with
// the messages of each turn.
type Folder string

// Load returns the conversation before the turn.
func (f Folder) Load(_ context.Context, turn agent.TurnInfo) ([]*model.Message, error) {
	files, err := os.ReadDir(f.conversation(turn)) // in the order of their names
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []*model.Message
	for _, file := range files {
		if filepath.Ext(file.Name()) != ".json" {
			continue // a file that a crash has left half written
		}
		text, err := os.ReadFile(filepath.Join(f.conversation(turn), file.Name()))
		if err != nil {
			return nil, err
		}
		var messages []*model.Message
		if err := json.Unmarshal(text, &messages); err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name(), err)
		}
		all = append(all, messages...)
	}
	return all, nil
}

// Save writes the messages of a turn. After a crash it may be given them again: then
// it writes the same file.
func (f Folder) Save(_ context.Context, turn agent.TurnInfo, messages []*model.Message) error {
	text, err := json.MarshalIndent(messages, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.conversation(turn), 0o700); err != nil {
		return err
	}
	name := filepath.Join(f.conversation(turn), fmt.Sprintf("%08d.json", turn.Turns))
	return writeFile(name, text)
}

// conversation returns the directory of a conversation. A session that was reset, or
// has expired, begins another one under its old name; a run without a session is one.
func (f Folder) conversation(turn agent.TurnInfo) string {
	id := turn.Session + " " + turn.Incarnation
	if turn.Session == "" {
		id = turn.Turn
	}
	return filepath.Join(string(f), hex.EncodeToString([]byte(id)))
}

// writeFile writes a file that is there whole, and on disk, or not at all.
func writeFile(name string, data []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(name), "half-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

// New returns the agent.
func New(m model.Model, h agent.History) *agent.Agent {
	return &agent.Agent{
		Name: "Assistant", Description: "Remembers what was said, elsewhere.", Model: m,
		Instructions: "You are a helpful assistant.",
		History:      h,
	}
}

// Register makes the agent known to a worker.
func Register(reg *perdure.Registry, m model.Model, h agent.History) error {
	return agent.Register(reg, New(m, h))
}
