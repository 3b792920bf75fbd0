package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/perdure/perdure"
)

// maxDepth is how deep JSON may nest.
const maxDepth = 64

// readBody returns the JSON document of a request, nil if its body is empty.
// The document is valid, has no duplicate keys and nothing after it.
func (a *API) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if err := checkContentType(r); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, a.MaxBody))
	var large *http.MaxBytesError
	var network net.Error
	switch {
	case errors.As(err, &large):
		return nil, &problem{Status: http.StatusRequestEntityTooLarge, Code: perdure.ResourceExhausted.String(),
			Detail: fmt.Sprintf("the body is larger than %d bytes", large.Limit),
			Hint:   "send less, or raise the server's body limit"}
	case errors.As(err, &network) && network.Timeout():
		return nil, &problem{Status: http.StatusRequestTimeout, Code: perdure.DeadlineExceeded.String(),
			Detail: "the body did not arrive in time"}
	case err != nil:
		return nil, invalid("the body ended early", "")
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	if err := checkJSON(data); err != nil {
		return nil, err
	}
	return data, nil
}

// decode reads the JSON object of a request into v, a pointer to a struct. An
// empty body leaves v as it is.
func (a *API) decode(w http.ResponseWriter, r *http.Request, v any) error {
	data, err := a.readBody(w, r)
	if err != nil || data == nil {
		return err
	}
	return decodeObject(data, v)
}

// decodeValue reads the JSON value that is the whole body of a request.
func (a *API) decodeValue(w http.ResponseWriter, r *http.Request) (json.RawMessage, error) {
	return a.readBody(w, r)
}

func checkContentType(r *http.Request) error {
	header := r.Header.Get("Content-Type")
	if header == "" {
		return nil
	}
	media, _, err := mime.ParseMediaType(header)
	if err == nil && (media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")) {
		return nil
	}
	if r.ContentLength == 0 {
		return nil
	}
	return &problem{Status: http.StatusUnsupportedMediaType, Code: perdure.InvalidArgument.String(),
		Detail: "the body must be JSON, not " + shown(header),
		Hint:   "send the header Content-Type: application/json (curl: --json instead of -d)"}
}

// checkJSON returns a problem unless data is one JSON document in UTF-8 with
// unique keys.
func checkJSON(data []byte) error {
	if !utf8.Valid(data) {
		at := 0
		for at < len(data) {
			r, n := utf8.DecodeRune(data[at:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return invalidAt(data, at, "the body is not UTF-8")
	}
	var whole json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal(data, &whole); errors.As(err, &syntax) {
		// Offset counts the bytes read, the last of which is wrong.
		return invalidAt(data, max(int(syntax.Offset)-1, 0), "the body is not valid JSON: "+syntax.Error())
	} else if err != nil {
		return invalid("the body is not valid JSON", "")
	}
	return checkKeys(data)
}

// checkKeys returns a problem if an object has a key twice or nests too deep.
// data is valid JSON.
func checkKeys(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var open []map[string]bool // keys of the open objects; nil for arrays
	key := false               // the next token may be a key
	for {
		token, err := dec.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return invalid("the body is not valid JSON", "")
		}
		switch t := token.(type) {
		case json.Delim:
			switch t {
			case '{':
				open = append(open, map[string]bool{})
			case '[':
				open = append(open, nil)
			default:
				open = open[:len(open)-1]
			}
			if len(open) > maxDepth {
				return invalidAt(data, int(dec.InputOffset())-1, fmt.Sprintf("the body nests deeper than %d", maxDepth))
			}
			key = len(open) > 0 && open[len(open)-1] != nil
			continue
		case string:
			if key {
				seen := open[len(open)-1]
				if seen[t] {
					return invalidAt(data, int(dec.InputOffset())-1, "the key "+shown(t)+" stands twice in one object")
				}
				seen[t] = true
				key = false
				continue
			}
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}

// decodeObject decodes a document that checkJSON accepts into a struct, whose
// fields must all have a json tag.
func decodeObject(data []byte, v any) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil || fields == nil {
		return invalid("the body must be a JSON object", "")
	}
	var names []string
	t := reflect.TypeOf(v).Elem()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	known := make(map[string]bool, len(names))
	for _, n := range names {
		known[n] = true
	}
	for name := range fields {
		if !known[name] {
			hint := "known are " + strings.Join(names, ", ")
			if near := nearest(name, names); near != "" {
				hint = "did you mean " + near + "?"
			}
			return invalid("unknown field "+shown(name), hint)
		}
	}
	err := json.Unmarshal(data, v)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		p := invalidAt(data, max(int(wrong.Offset)-1, 0), fmt.Sprintf("field %s must be %s, not %s", shown(wrong.Field), jsonType(wrong.Type), wrong.Value))
		return p
	}
	if err != nil { // such as a time that is none
		return invalid("the body does not fit: "+shown(err.Error()), "times are RFC 3339, such as 2026-01-02T15:04:05Z")
	}
	return nil
}

// jsonType names a Go type as a writer of JSON would.
func jsonType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Map, reflect.Struct:
		return "an object"
	}
	return "a number"
}

// invalidAt is an invalid problem at the byte offset of a body.
func invalidAt(body []byte, offset int, detail string) *problem {
	offset = min(offset, len(body))
	before := body[:offset]
	p := invalid("", "")
	p.Line = bytes.Count(before, []byte{'\n'}) + 1
	p.Column = utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	p.Detail = fmt.Sprintf("%s (line %d, column %d)", detail, p.Line, p.Column)
	return p
}

// nearest returns the candidate with the fewest edits from name, "" if none is
// near.
func nearest(name string, candidates []string) string {
	if len(name) > 100 {
		return ""
	}
	best, found := len(name)/3+2, ""
	for _, c := range candidates {
		if d := edits(strings.ToLower(name), strings.ToLower(c)); d < best {
			best, found = d, c
		}
	}
	return found
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// compact removes blanks around the tokens of valid JSON.
func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return string(raw)
	}
	return b.String()
}
