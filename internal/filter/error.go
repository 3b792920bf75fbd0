package filter

import (
	"fmt"
	"strings"
)

// Error is one mistake in a filter's text.
type Error struct {
	From, To int // bytes of the text that are wrong
	Text     string
	Nearest  string // the known name most like the unknown one, or ""
}

// Error says where in the text what is wrong.
func (e *Error) Error() string {
	text := fmt.Sprintf("column %d: %s", e.From+1, e.Text)
	if e.Nearest != "" {
		text += fmt.Sprintf("; did you mean %s?", e.Nearest)
	}
	return text
}

// Errors are the mistakes in a filter's text, in their order; Parse returns no
// other type of error.
type Errors []*Error

// Error joins the mistakes.
func (e Errors) Error() string {
	texts := make([]string, len(e))
	for i, err := range e {
		texts[i] = err.Error()
	}
	return "filter: " + strings.Join(texts, "; ")
}

// nearest returns the name with the smallest edit distance to s, the first of
// several; "" if none is like it: more than half of s would be replaced.
func nearest(s string, names []string) string {
	best, least := "", len(s)/2+1
	for _, name := range names {
		if d := distance(s, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance returns how many bytes must be inserted, removed or replaced to turn
// a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // of the prefix of a read so far
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
