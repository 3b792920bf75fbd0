package agent

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// Kinds of rows. The numbers are stored.
const (
	rowLog    = 100 // a message of a conversation
	rowStream = 101 // frames of a turn's stream
)

// A log is the messages of a conversation. Each is a row of the turn that wrote
// it, found by the log and the message's position in it, which is dense.

// logID names a log: that of an incarnation of a session, or of an execution of
// a run without one.
func logID(owner, incarnation string) string { return owner + "\x00" + incarnation }

func logIndex(log string, position int64) []byte {
	b := make([]byte, 0, len(log)+9)
	b = append(b, log...)
	b = append(b, 0)
	return binary.BigEndian.AppendUint64(b, uint64(position))
}

func logRow(log string, position int64, m *model.Message) (perdure.Row, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return perdure.Row{}, fmt.Errorf("message %d: %w", position, err)
	}
	return perdure.Row{
		Kind: rowLog, Key: binary.BigEndian.AppendUint64(nil, uint64(position)), Value: text,
		Index: [2][]byte{logIndex(log, position)},
	}, nil
}

// LogMessage is a message of a conversation.
type LogMessage struct {
	Position int64          `json:"position"`
	Turn     string         `json:"turn"` // instance id of the turn that wrote it
	Message  *model.Message `json:"message"`
}

// readLog returns messages with from <= position < to in order, at most limit.
// Messages of turns that were purged are missing.
func readLog(ctx context.Context, h hub.Rows, log string, from, to int64, limit int) ([]LogMessage, error) {
	var list []LogMessage
	var cursor []byte
	for len(list) < limit {
		rows, next, err := h.ReadRows(ctx, store.RowQuery{
			Kind: rowLog, Index: 0, From: logIndex(log, from), To: logIndex(log, to), After: cursor,
			Limit: min(limit-len(list), 1000),
		})
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			m, err := readMessage(r)
			if err != nil {
				return nil, err
			}
			list = append(list, m)
		}
		if cursor = next; cursor == nil {
			break
		}
	}
	return list, nil
}

func readMessage(r store.Row) (LogMessage, error) {
	m := LogMessage{Turn: r.Owner, Message: &model.Message{}}
	err := json.Unmarshal(r.Value, m.Message)
	if err != nil || len(r.Key) != 8 {
		return m, &perdure.Error{Code: perdure.Internal, Op: "read conversation", Instance: r.Owner,
			Message: fmt.Sprintf("the message with the key %x is damaged", r.Key), Cause: err}
	}
	m.Position = int64(binary.BigEndian.Uint64(r.Key))
	return m, nil
}
