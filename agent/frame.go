package agent

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// FrameType says what a Frame tells.
type FrameType string

// The types of frames.
const (
	FrameStep       FrameType = "step"        // a model step begins to answer
	FrameReset      FrameType = "reset"       // it begins again: drop the frames from ToOffset on
	FrameText       FrameType = "text"        // Delta goes on with the text
	FrameReasoning  FrameType = "reasoning"   // Delta goes on with the model's reasoning
	FrameToolCall   FrameType = "tool_call"   // the model calls Tool with Arguments
	FrameToolResult FrameType = "tool_result" // the call CallID has ended
	FrameDecision   FrameType = "decision"    // the call CallID of Tool waits for the decision Decision of Kind
	FrameDecided    FrameType = "decided"     // it waits for it no more
	FrameAgent      FrameType = "agent"       // Agent begins as Run: for the call CallID, or, without one, with the conversation, in this stream
	FrameEnd        FrameType = "end"         // the turn has ended with Status; nothing follows
)

// Frame is an event of the stream of a turn. Offsets rise and are never used
// twice, but are not dense.
type Frame struct {
	Offset int64     `json:"offset"`
	Type   FrameType `json:"type"`
	Step   int       `json:"step,omitempty"` // number of the model step, from 1
	// Attempt and ToOffset belong to FrameReset: this is the attempt, from 2, and
	// all of the step before it is void, wherever it was seen. Without Attempt the turn
	// was rewound to before the step: what came after that is void too, also the end.
	Attempt  int    `json:"attempt,omitempty"`
	ToOffset *int64 `json:"toOffset,omitempty"`

	Delta     string `json:"delta,omitempty"`
	CallID    string `json:"callId,omitempty"`
	Tool      string `json:"tool,omitempty"`
	Arguments string `json:"arguments,omitempty"`
	Decision  string `json:"decision,omitempty"` // id
	Kind      string `json:"kind,omitempty"`     // of the decision
	// With are the decisions that were answered together with Decision.
	With []string `json:"with,omitempty"`
	// Result is what a tool has returned. A longer one than 8 KB is only in the
	// conversation.
	Result json.RawMessage `json:"result,omitempty"`
	Agent  string          `json:"agent,omitempty"`
	Run    string          `json:"run,omitempty"`    // instance id
	Status string          `json:"status,omitempty"` // completed, failed, terminated or canceled
	Error  string          `json:"error,omitempty"`
}

const (
	// attemptFrames is the distance of the offsets at which attempts begin.
	attemptFrames = 1 << 20
	// failureLeap is beyond the offsets of all attempts of a step.
	failureLeap = 1 << 40
	// rowFrames bounds the frames of a row.
	rowFrames = 256
	// resultBytes bounds the result in a frame.
	resultBytes = 8 << 10
)

// nextBase returns the first multiple of attemptFrames that is not below offset.
func nextBase(offset int64) int64 {
	return (offset + attemptFrames - 1) / attemptFrames * attemptFrames
}

// streamRow makes a row of frames with adjacent offsets.
func streamRow(frames []Frame) (perdure.Row, error) {
	text, err := json.Marshal(frames)
	if err != nil {
		return perdure.Row{}, err
	}
	return perdure.Row{Kind: rowStream, Key: offsetKey(frames[0].Offset), Value: text}, nil
}

func offsetKey(offset int64) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(max(offset, 0)))
}

func readFrames(row store.Row) ([]Frame, error) {
	var frames []Frame
	if err := json.Unmarshal(row.Value, &frames); err != nil || len(frames) == 0 {
		return nil, &perdure.Error{Code: perdure.Internal, Op: "read stream", Instance: row.Owner,
			Message: fmt.Sprintf("the frames with the key %x are damaged", row.Key), Cause: err}
	}
	return frames, nil
}

// framesOf returns what an update of the model adds to the stream.
func framesOf(step int, u *model.Update) []Frame {
	var frames []Frame
	for _, c := range u.Contents {
		switch c := c.(type) {
		case *model.Text:
			if c.Text != "" {
				frames = append(frames, Frame{Type: FrameText, Step: step, Delta: c.Text})
			}
		case *model.Reasoning:
			if c.Text != "" {
				frames = append(frames, Frame{Type: FrameReasoning, Step: step, Delta: c.Text})
			}
		case *model.FunctionCall:
			frames = append(frames, Frame{Type: FrameToolCall, Step: step, CallID: c.CallID, Tool: c.Name, Arguments: c.Arguments})
		}
	}
	return frames
}
