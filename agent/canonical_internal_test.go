package agent

import (
	"encoding/json"
	"testing"
)

func TestCanonical(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{` { "b" : [1, true, null] , "a":{} } `, `{"a":{},"b":[1,true,null]}`},
		{`{"a":1,"a":2}`, `{"a":2}`},
		{`[1.0,1e2,-0,0.000001,1e-7,1E21,123456789012345680000,333333333.33333329,4.50]`,
			`[1,100,0,0.000001,1e-7,1e+21,123456789012345680000,333333333.3333333,4.5]`},
		{`[9007199254740992,9007199254740993,-9007199254740995]`, `[9007199254740992,9007199254740993,-9007199254740995]`},
		{`"\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\/\u2028<&>"`, "\"\u20ac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u2028<&>\""},
		{`"\b\f\r\t\u007f"`, "\"\\b\\f\\r\\t\u007f\""},
		// UTF-16 order: a surrogate pair comes before U+FB33.
		{`{"\ufb33":1,"\ud83d\ude00":2,"\u00f6":3,"1":4,"\r":5,"\u20ac":6,"\u0080":7}`,
			"{\"\\r\":5,\"1\":4,\"\u0080\":7,\"\u00f6\":3,\"\u20ac\":6,\"\U0001F600\":2,\"\ufb33\":1}"},
	} {
		if got, err := canonical(c.in); err != nil || got != c.want {
			t.Errorf("canonical(%s) = %s, %v, want %s", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{``, `{`, `1 2`, `{"a":1}}`, `1e400`, `[01]`} {
		if got, err := canonical(in); err == nil {
			t.Errorf("canonical(%s) = %s, want an error", in, got)
		}
	}
}

// FuzzCanonical checks that the form is one, and means what the text meant.
func FuzzCanonical(f *testing.F) {
	f.Add(`{"b":[1,2.5e-9,"\u2028\ud800"],"a":null}`)
	f.Add(`9007199254740993`)
	f.Fuzz(func(t *testing.T, text string) {
		once, err := canonical(text)
		if err != nil {
			return
		}
		if !json.Valid([]byte(once)) {
			t.Errorf("canonical(%q) = %q, want JSON", text, once)
		}
		if twice, err := canonical(once); err != nil || twice != once {
			t.Errorf("canonical(%q) = %q, %v, want itself", once, twice, err)
		}
	})
}

// TestArgsHash shows what an approval is bound to.
func TestArgsHash(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range [][4]string{
		{"pay", "1", `{"a":1}`, "e"}, {"pay", "1", `{"a":2}`, "e"}, {"pay", "1", `{"a":1}`, "f"},
		{"paid", "1", `{"a":1}`, "e"}, {"pa", "y1", `{"a":1}`, "e"}, {"pay", "2", `{"a":1}`, "e"},
	} {
		seen[argsHash(c[0], c[1], c[2], c[3])] = true
	}
	if len(seen) != 6 {
		t.Errorf("6 calls have %d hashes, want 6", len(seen))
	}
}
