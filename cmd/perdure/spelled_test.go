package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestS05Spelled: what a person is to approve shows letters that look like others, also
// in a megabyte, and stays the JSON that it was.
func TestS05Spelled(t *testing.T) {
	long := strings.Repeat("word ", 200_000)
	for text, want := range map[string]string{
		`{"to":"paypal"}`:                     `{"to":"paypal"}`,
		"{\"to\":\"p\u0430ypal\"}":            `{"to":"p\u0430ypal"}`,
		"\"\u043f\u0440\u0438\u0432\"":        "\"\u043f\u0440\u0438\u0432\"", // a word of one script
		"\"a\\n\u043f\u0440\"":                "\"a\\n\u043f\u0440\"",         // an escape is no letter
		"\"x\u2160 \u03b1b\"":                 "\"x\u2160 \\u03b1b\"",
		"\"b\U0001d41ank\"":                   `"b\ud835\udc1ank"`,
		"\"b\uff41nk\"":                       `"b\uff41nk"`,
		`"` + long + "p\u0430y\"":             `"` + long + `p\u0430y"`,
		"\"\u0440\u0430\u0443\u0440\u0430\"":  `"\u0440\u0430\u0443\u0440\u0430"`,     // wholly in another script
		"\"\u0430 \u043f\u0440\u0438\"":       "\"\u0430 \u043f\u0440\u0438\"",        // a word of a text in that script
		"[\"\u0430\",\"\u043f\u0440\u0438\"]": "[\"\\u0430\",\"\u043f\u0440\u0438\"]", // which another text is not
		"\"\U0001d41a\U0001d41b\"":            `"\ud835\udc1a\ud835\udc1b"`,
		"\"\uff50\uff41\uff59\"":              `"\uff50\uff41\uff59"`,
		"\"\u65e5\u672c\u30fc\"":              "\"\u65e5\u672c\u30fc\"", // no script of such letters
		"":                                    "",
		"\xff\xfe":                            "\xff\xfe",
	} {
		got := string(spelled([]byte(text)))
		if got != want {
			t.Errorf("spelled(%.60q) = %.60q, want %.60q", text, got, want)
		}
		var before, after any
		if json.Unmarshal([]byte(text), &before) == nil && (json.Unmarshal([]byte(got), &after) != nil || !cmp.Equal(before, after)) {
			t.Errorf("spelled(%.60q) is other JSON: %.60q", text, got)
		}
	}
}
