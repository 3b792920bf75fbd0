package responses

// event is one of a response's stream. Which fields count depends on its type.
type event struct {
	Type     string  `json:"type"`
	Sequence int64   `json:"sequence_number"`
	Response *object `json:"response,omitempty"`

	OutputIndex  *int   `json:"output_index,omitempty"`
	ItemID       string `json:"item_id,omitempty"`
	ContentIndex *int   `json:"content_index,omitempty"`
	Item         *item  `json:"item,omitempty"`
	Part         *part  `json:"part,omitempty"`

	Delta     *string `json:"delta,omitempty"`
	Text      *string `json:"text,omitempty"`
	Name      string  `json:"name,omitempty"`
	Arguments *string `json:"arguments,omitempty"`
	Logprobs  *[]any  `json:"logprobs,omitempty"` // of output_text: always there

	// Of the event error.
	Code    *string `json:"code,omitempty"`
	Message string  `json:"message,omitempty"`
}

// Types of events.
const (
	eventCreated    = "response.created"
	eventQueued     = "response.queued"
	eventInProgress = "response.in_progress"
	eventCompleted  = "response.completed"
	eventFailed     = "response.failed"
	eventIncomplete = "response.incomplete"
	eventError      = "error"

	eventItemAdded = "response.output_item.added"
	eventItemDone  = "response.output_item.done"
	eventPartAdded = "response.content_part.added"
	eventPartDone  = "response.content_part.done"

	eventTextDelta      = "response.output_text.delta"
	eventTextDone       = "response.output_text.done"
	eventReasoningDelta = "response.reasoning_text.delta"
	eventReasoningDone  = "response.reasoning_text.done"

	eventArgumentsDelta     = "response.function_call_arguments.delta"
	eventArgumentsDone      = "response.function_call_arguments.done"
	eventCallInProgress     = "response.mcp_call.in_progress"
	eventCallArgumentsDelta = "response.mcp_call_arguments.delta"
	eventCallArgumentsDone  = "response.mcp_call_arguments.done"
	eventCallCompleted      = "response.mcp_call.completed"
	eventCallFailed         = "response.mcp_call.failed"
)

// frameEvents is how many sequence numbers a frame has. Numbers must stay below
// 2^53 and offsets of frames below 2^48.
const frameEvents = 32

// firstSequence is the number of the first event of a frame; the numbers below
// those of the first frame are for the events that come before it.
func firstSequence(offset int64) int64 { return (offset + 1) * frameEvents }

// Numbers of the events before the first frame.
const (
	sequenceCreated    = 0
	sequenceQueued     = 1
	sequenceInProgress = 2
)
