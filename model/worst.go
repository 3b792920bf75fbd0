package model

import (
	"encoding/json"
	"math"
	"strings"
)

// What WorstCase counts beside the bytes of a request, in tokens. The figures are
// above what the providers document: 3 to 4 tokens frame a message, 300 to 800
// introduce the first tool.
const (
	worstRequest = 256
	worstMessage = 32
	worstContent = 32
	worstTool    = 64
	worstTools   = 2048
	worstFormat  = 1024
	// worstImage is above the dearest image of any model in DefaultPrices: on
	// gpt-4o-mini one of eight tiles counts 2833 + 8*5667 = 48,169.
	worstImage = 50_000
	// worstFile stands for content whose size the request does not tell. Files
	// are read into the context, and none is larger.
	worstFile = maxContext
	// maxContext is above the context of any model in DefaultPrices: requests
	// that are longer are refused and cost nothing.
	maxContext = 1_100_000
)

// WorstCase returns a usage that no answer to req exceeds: at most so many tokens
// of input and of output. maxOutput is the bound of the output that the adapter
// sets when req has none, see [Info]; when there is no bound at all, what is
// returned is no bound of the output either, so give budgets to bounded requests
// only.
//
// It is an upper bound for providers that tokenise bytes, as those of
// [DefaultPrices] do: each token of a text stands for at least one of its bytes.
// So the input is at most the bytes of all texts, schemas, arguments, results and
// protected reasoning (which is longer than the thought that it holds), and a
// fixed number for the frame of the request and of each message, content and
// tool. Images count a fixed number, audio no more than its bytes. A file, a URI
// that is no image, and content that is unknown count as a whole context, and so
// does what is longer than that. The estimate is several times what a text really
// uses; it is for reservations, which are settled by the usage that is reported.
func WorstCase(req *Request, maxOutput int) Usage {
	in := int64(worstRequest) + int64(len(req.Instructions))
	for _, m := range req.Messages {
		in = plus(in, worstMessage+int64(len(m.AuthorName)))
		for _, c := range m.Contents {
			in = plus(in, worstContent+worstOf(c))
		}
	}
	for i, t := range req.Tools {
		if i == 0 {
			in = plus(in, worstTools)
		}
		in = plus(in, worstTool+int64(len(t.Name)+len(t.Description)+len(t.Schema)))
	}
	if f := req.Format; f != nil {
		in = plus(in, worstFormat+int64(len(f.Name)+len(f.Description)+len(f.Schema)))
	}
	in = min(in, maxContext)
	out := int64(max(maxOutput, 0))
	if req.MaxOutputTokens != nil {
		out = int64(max(*req.MaxOutputTokens, 0))
	}
	return Usage{InputTokenCount: in, OutputTokenCount: out, TotalTokenCount: plus(in, out)}
}

// worstOf bounds the tokens of one content.
func worstOf(c Content) int64 {
	size := func(texts ...string) int64 {
		n := 0
		for _, s := range texts {
			n += len(s)
		}
		return int64(n)
	}
	switch c := c.(type) {
	case *Text:
		return size(c.Text)
	case *Reasoning:
		return size(c.Text, c.ProtectedData)
	case *FunctionCall:
		// Twice: arguments that are no object travel inside of one, escaped.
		return size(c.CallID, c.Name) + 2*size(c.Arguments)
	case *FunctionResult:
		return size(c.CallID, c.Error) + int64(len(c.Result))
	case *ErrorContent:
		return size(c.Message, c.Details, c.ErrorCode)
	case *UsageContent:
		return 0 // never sent
	case *Data:
		return worstOfMedia(mediaType(c.URI), size(c.URI, c.Name))
	case *URI:
		return worstOfMedia(c.MediaType, worstFile)
	case *HostedFile, *HostedVectorStore:
		return worstFile
	}
	b, err := json.Marshal(c)
	if err != nil {
		return worstFile
	}
	return int64(len(b))
}

// worstOfMedia bounds the tokens of an attachment whose bytes, if they are there,
// are size.
func worstOfMedia(mediaType string, size int64) int64 {
	switch {
	case strings.HasPrefix(mediaType, "image/"):
		return worstImage
	case strings.HasPrefix(mediaType, "text/"), strings.HasPrefix(mediaType, "audio/"):
		return size
	}
	return worstFile
}

// mediaType returns that of a data URI.
func mediaType(uri string) string {
	head, _, _ := strings.Cut(uri, ",")
	if len(head) < len("data:") {
		return ""
	}
	return strings.ToLower(head[len("data:"):])
}

// plus adds two numbers of tokens and saturates.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// estimateAttachment is about what an image or a page counts.
const estimateAttachment = 1500

// Estimate returns about how many tokens of input a request has: a quarter of
// the bytes of its texts, and a fixed number for each attachment. It is for rate
// limits; [WorstCase] is a bound.
func Estimate(req *Request) int64 {
	bytes := len(req.Instructions)
	attachments := 0
	for _, m := range req.Messages {
		for _, c := range m.Contents {
			switch c := c.(type) {
			case *Data, *URI, *HostedFile:
				attachments++
			default:
				bytes += int(worstOf(c))
			}
		}
	}
	for _, t := range req.Tools {
		bytes += len(t.Name) + len(t.Description) + len(t.Schema)
	}
	if req.Format != nil {
		bytes += len(req.Format.Schema)
	}
	return int64(bytes/4 + attachments*estimateAttachment)
}
