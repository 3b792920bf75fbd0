package responses

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/perdure/perdure/model"
)

// given is what a request says: messages, or answers to approval requests.
type given struct {
	messages  []*model.Message
	past      int // messages that were said before: up to the last one of the model
	approvals []approval
}

// approval is an answer to an approval request.
type approval struct {
	decision string
	approve  bool
	reason   string
}

// inputItem is an item of a request's input as it is sent.
type inputItem struct {
	Type string `json:"type"`
	ID   string `json:"id"`

	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"` // a text or parts

	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments string          `json:"arguments"`
	Output    json.RawMessage `json:"output"` // a text or parts
	Error     json.RawMessage `json:"error"`

	ApprovalRequestID string `json:"approval_request_id"`
	Approve           *bool  `json:"approve"`
	Reason            string `json:"reason"`
}

// readInput reads input: a text or items.
func readInput(raw json.RawMessage, at string) (*given, error) {
	var g given
	if len(raw) == 0 || string(raw) == "null" {
		return &g, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if strings.TrimSpace(text) == "" {
			return nil, invalid(at, "'%s' is empty: say something to the agent.", at)
		}
		g.messages = []*model.Message{model.UserText(text)}
		return &g, nil
	}
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		return nil, &problem{status: 400, Type: typeInvalid, Param: at, Code: "invalid_type", Message: "'" + at + "' must be a string or an array of items."}
	}
	for n, element := range elements {
		if err := g.read(element, fmt.Sprintf("%s[%d]", at, n)); err != nil {
			return nil, err
		}
	}
	return &g, nil
}

// read reads one item.
func (g *given) read(raw json.RawMessage, at string) error {
	var i inputItem
	if err := decodeInto(raw, at, &i); err != nil {
		return err
	}
	switch i.Type {
	case itemMessage, "":
		return g.message(&i, at)
	case itemReasoning, itemApprovalRequest, "mcp_list_tools":
		return nil // what the session knows, or the model cannot use
	case itemFunctionCall, itemCall:
		return g.call(&i, at)
	case itemFunctionOutput:
		if i.CallID == "" {
			return invalid(at+".call_id", "'%s.call_id' is missing: it names the call that the output is of.", at)
		}
		result, err := readOutput(i.Output, at+".output")
		if err != nil {
			return err
		}
		g.add(model.RoleTool, &model.FunctionResult{CallID: i.CallID, Result: result})
		return nil
	case itemApprovalResponse:
		id, ok := strings.CutPrefix(i.ApprovalRequestID, approvalPrefix)
		switch {
		case !ok || id == "":
			return invalid(at+".approval_request_id", "'%s.approval_request_id' is not the id of an mcp_approval_request.", at)
		case i.Approve == nil:
			return invalid(at+".approve", "'%s.approve' is missing: true or false.", at)
		}
		g.approvals = append(g.approvals, approval{decision: id, approve: *i.Approve, reason: i.Reason})
		return nil
	}
	return invalid(at+".type", "Items of type %s are not supported.", shown(i.Type))
}

// add appends content to the last message if that has the role, or as a new one.
func (g *given) add(role model.Role, contents ...model.Content) {
	if n := len(g.messages); n > 0 && g.messages[n-1].Role == role && role != model.RoleUser {
		g.messages[n-1].Contents = append(g.messages[n-1].Contents, contents...)
		return
	}
	g.messages = append(g.messages, &model.Message{Role: role, Contents: contents})
}

// call reads a call that was made before, as clients send it that keep the
// conversation themselves.
func (g *given) call(i *inputItem, at string) error {
	id := i.CallID
	if i.Type == itemCall {
		id = i.ID
	}
	if id == "" || i.Name == "" {
		return invalid(at, "'%s' must have an id of the call and a name.", at)
	}
	g.add(model.RoleAssistant, &model.FunctionCall{CallID: id, Name: i.Name, Arguments: i.Arguments})
	if i.Type == itemCall {
		result := i.Output
		if string(result) == "null" {
			result = nil
		}
		g.add(model.RoleTool, &model.FunctionResult{CallID: id, Result: result})
	}
	g.past = len(g.messages)
	return nil
}

// parted parts a conversation that the caller keeps into what was said before and
// what is said now.
func (g *given) parted() (past, now []*model.Message, err error) {
	at := g.past
	if at == len(g.messages) { // the model is to go on with its own words
		at--
	}
	past, now = g.messages[:at], g.messages[at:]
	if open := now[0].Contents.Calls(); len(open) > 0 {
		return nil, nil, invalid("input", "No tool output found for function call %s.", open[0].CallID)
	}
	var open []*model.FunctionCall
	for _, m := range past {
		open = append(open, m.Contents.Calls()...)
		if open, err = answered(open, m); err != nil {
			return nil, nil, err
		}
	}
	return past, now, allAnswered(open, now)
}

// answered returns the calls that are open after a message.
func answered(open []*model.FunctionCall, m *model.Message) ([]*model.FunctionCall, error) {
	for _, c := range m.Contents {
		r, ok := c.(*model.FunctionResult)
		if !ok {
			continue
		}
		i := slices.IndexFunc(open, func(f *model.FunctionCall) bool { return f.CallID == r.CallID })
		if i < 0 {
			return nil, invalid("input", "No tool call found for function call output with call_id %s.", r.CallID)
		}
		open = slices.Concat(open[:i], open[i+1:])
	}
	return open, nil
}

// allAnswered refuses messages that do not answer just the calls that are open.
func allAnswered(open []*model.FunctionCall, messages []*model.Message) (err error) {
	for _, m := range messages {
		if open, err = answered(open, m); err != nil {
			return err
		}
	}
	if len(open) > 0 {
		return invalid("input", "No tool output found for function call %s.", open[0].CallID)
	}
	return nil
}

// message reads a message.
func (g *given) message(i *inputItem, at string) error {
	role := model.Role(i.Role)
	switch i.Role {
	case "user", "assistant", "system":
	case "developer":
		role = model.RoleSystem
	default:
		return invalid(at+".role", "'%s.role' is %s, must be user, assistant, system or developer.", at, shown(i.Role))
	}
	contents, err := readContent(i.Content, at+".content")
	if err != nil {
		return err
	}
	if len(contents) == 0 {
		if role == model.RoleAssistant {
			return nil // of a response that has said nothing
		}
		return invalid(at+".content", "'%s.content' is empty.", at)
	}
	g.add(role, contents...)
	if role == model.RoleAssistant {
		g.past = len(g.messages)
	}
	return nil
}

// readContent reads the content of a message: a text or parts.
func readContent(raw json.RawMessage, at string) (model.Contents, error) {
	var text string
	if len(raw) > 0 && json.Unmarshal(raw, &text) == nil {
		if text == "" {
			return nil, nil
		}
		return model.Contents{&model.Text{Text: text}}, nil
	}
	var elements []json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &elements) != nil {
		return nil, &problem{status: 400, Type: typeInvalid, Param: at, Code: "invalid_type", Message: "'" + at + "' must be a string or an array of parts."}
	}
	var contents model.Contents
	for n, element := range elements {
		c, err := readPart(element, fmt.Sprintf("%s[%d]", at, n))
		if err != nil {
			return nil, err
		}
		if c != nil {
			contents = append(contents, c)
		}
	}
	return contents, nil
}

// sentPart is a part of a message as it is sent.
type sentPart struct {
	Type     string  `json:"type"`
	Text     *string `json:"text"`
	Refusal  string  `json:"refusal"`
	ImageURL string  `json:"image_url"`
	FileURL  string  `json:"file_url"`
	FileData string  `json:"file_data"`
	Filename string  `json:"filename"`
	FileID   string  `json:"file_id"`
}

// readPart reads a part of a message; an empty one is nil.
func readPart(raw json.RawMessage, at string) (model.Content, error) {
	var p sentPart
	if err := decodeInto(raw, at, &p); err != nil {
		return nil, err
	}
	switch p.Type {
	case partInputText, partOutputText, "text":
		if p.Text == nil {
			return nil, invalid(at+".text", "'%s.text' is missing.", at)
		}
		if *p.Text == "" {
			return nil, nil
		}
		return &model.Text{Text: *p.Text}, nil
	case partRefusal:
		if p.Refusal == "" {
			return nil, nil
		}
		return &model.Text{Text: p.Refusal}, nil
	case partInputImage:
		switch {
		case strings.HasPrefix(p.ImageURL, "data:"):
			return readData(p.ImageURL, "", at+".image_url")
		case p.ImageURL != "":
			return &model.URI{URI: p.ImageURL, MediaType: "image/*"}, nil
		case p.FileID != "":
			return &model.HostedFile{FileID: p.FileID, MediaType: "image/*"}, nil
		}
		return nil, invalid(at+".image_url", "'%s' has neither image_url nor file_id.", at)
	case partInputFile:
		switch {
		case p.FileData != "":
			return readData(p.FileData, p.Filename, at+".file_data")
		case p.FileURL != "":
			return &model.URI{URI: p.FileURL, MediaType: "application/octet-stream"}, nil
		case p.FileID != "":
			return &model.HostedFile{FileID: p.FileID, Name: p.Filename}, nil
		}
		return nil, invalid(at+".file_data", "'%s' has none of file_data, file_url and file_id.", at)
	}
	return nil, invalid(at+".type", "Parts of type %s are not supported.", shown(p.Type))
}

// readData reads a data URI.
func readData(uri, name, at string) (model.Content, error) {
	d := &model.Data{URI: uri, Name: name}
	if _, _, err := d.Decode(); err != nil {
		return nil, invalid(at, "'%s' is no data URI such as data:image/png;base64,...: %v.", at, err)
	}
	return d, nil
}

// readOutput reads the output of a call: a text, or parts, of which the model is
// given the texts.
func readOutput(raw json.RawMessage, at string) (json.RawMessage, error) {
	var text string
	if len(raw) > 0 && json.Unmarshal(raw, &text) == nil {
		return raw, nil
	}
	contents, err := readContent(raw, at)
	if err != nil {
		return nil, err
	}
	return json.RawMessage(marshal(contents.Text())), nil
}
