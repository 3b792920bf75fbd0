package agent

import (
	"encoding/binary"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
)

// takeBackName is the event that a turn of a session is told first when it goes on from
// the point to which it was rewound.
const takeBackName = hub.TakeBackEvent

// takeBack is the data of the event: what the turn had written when it was rewound.
type takeBack struct {
	Head  int64 `json:"head"`            // position after the newest message of the conversation
	End   int64 `json:"end"`             // offset of the last frame of the stream, -1 = there was none
	Ended bool  `json:"ended,omitempty"` // that frame is the stream's end
	Event int   `json:"event"`           // to which it was rewound
	// Given is what the results had cost that the turn is given again, since they came before
	// the event in the same orchestrator turn; Next is the offset after their frames.
	Given before `json:"given"`
	Next  int64  `json:"next,omitempty"`
}

// before is what a turn had spent at the point to which it was rewound.
type before struct {
	Usage model.Usage `json:"usage"`
	Spent Spending    `json:"spent"`
}

// takesBack has the turn take back what it had written beyond the point whenever it is
// rewound. The hub tells of that in the commit that rewinds, before all else: the turn
// stands at the point then.
func (t *turn) takesBack() {
	t.ctx.Go(func(ctx *perdure.Context) {
		for {
			given, err := perdure.NewEvent[takeBack](takeBackName).Wait(ctx).Await()
			if err != nil {
				return
			}
			t.takeBack(given)
		}
	})
}

// takeBack deletes the messages beyond the position, voids the frames beyond the offset and
// tells the session that the turn goes on. The frames to come have higher offsets than
// those of before.
func (t *turn) takeBack(given takeBack) {
	if given.End >= 0 && given.End < t.from {
		return // of an earlier rewind, and given again by this one
	}
	t.again = &before{t.usage, t.spent.plus(given.Given.Spent)}
	t.again.Usage.Add(given.Given.Usage)
	var rows []perdure.Row
	for p := t.position; p < given.Head; p++ {
		rows = append(rows, perdure.Row{Kind: rowLog, Key: binary.BigEndian.AppendUint64(nil, uint64(p)), Delete: true})
	}
	for i, m := range t.unheard { // the failure may have withdrawn them
		row, err := logRow(t.log(), t.position-int64(len(t.unheard)-i), m)
		if err != nil { // it was encodable before
			panic(err)
		}
		rows = append(rows, row)
	}
	if given.End >= 0 {
		if given.Ended {
			rows = append(rows, perdure.Row{Kind: rowStream, Key: offsetKey(given.End), Delete: true})
		}
		to := max(t.offset, given.Next)
		step := t.step
		if len(t.unheard) == 0 { // its model has answered
			step++
		}
		row, err := streamRow([]Frame{{Offset: given.End + 1, Type: FrameReset, Step: max(step, 1), ToOffset: &to}})
		if err != nil { // a frame is always encodable
			panic(err)
		}
		rows = append(rows, row)
		t.from = nextBase(given.End + 2)
		t.offset = max(t.offset, t.from)
	}
	t.put(rows)
	id, err := perdure.ParseEntityID(t.in.Session)
	if err == nil {
		err = perdure.SignalEntity(t.ctx, id, opResumed, resumed{Turn: t.ctx.InstanceID(), Log: t.in.Log, Event: given.Event})
	}
	if err != nil { // the turn was started with it
		panic(err)
	}
}
