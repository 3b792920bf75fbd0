package filter_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/perdure/perdure/internal/filter"
	"pgregory.net/rapid"
)

// now is in a zone that is a day ahead of UTC at this moment.
var now = time.Date(2026, 3, 2, 1, 30, 0, 0, time.FixedZone("east", 2*60*60))

func TestCanonicalText(t *testing.T) {
	for in, want := range map[string]string{
		"":                                    "",
		" \t\n":                               "",
		"status:failed":                       "status:failed",
		"STATUS:Failed":                       "status:failed",
		"status=failed":                       "status:failed",
		"  a   b\n":                           "a b",
		"a*":                                  "a",
		"*":                                   `""`,
		`"a*"`:                                `"a*"`,
		`"a"`:                                 "a",
		`"two words"`:                         "\"two words\"",
		`"say \"hi\" \\ \n"`:                  `"say \"hi\" \\ n"`,
		`-"-a"`:                               `-"-a"`,
		`"or" "OR" Or`:                        `"or" "OR" Or`,
		"order-7":                             "order-7",
		"@counter@a":                          "@counter@a",
		"dafx-writer~k1":                      "dafx-writer~k1",
		`"order:7"`:                           `"order:7"`,
		"café:x":                              "café:x",
		"name:Order*":                         "name:Order*",
		`name:"Order*"`:                       `name:"Order*"`,
		"name:*":                              "name:*",
		`parent:""`:                           `parent:""`,
		"phase:waiting_approval,stuck":        "phase:waiting_approval,stuck",
		"phase:waiting*":                      "phase:waiting*",
		"-agent:Writer,\"x y\",Z*":            `-agent:Writer,"x y",Z*`,
		"tag.team=pay":                        "tag.team:pay",
		"TAG.Team=pay":                        "tag.Team:pay",
		"tag.k8s.io/app:a:b=c":                "tag.k8s.io/app:a:b=c",
		`error~"429"`:                         "error~429",
		"error~429*":                          `error~"429*"`,
		"error~-x,y":                          "error~-x,y",
		"has:decision,error":                  "has:decision,error",
		"attempt>=3":                          "attempt>=3",
		"attempt:03,4":                        "attempt:3,4",
		"cost>$0.050":                         "cost>0.05",
		"cost>=3":                             "cost>=3",
		"cost:0.000001,12.5":                  "cost:0.000001,12.5",
		"tokens>1000":                         "tokens>1000",
		"a or b":                              "a or b",
		"(a OR b)":                            "a or b",
		"((a) or (b or (c d)))":               "a or b or c d",
		"a (b or c)":                          "a (b or c)",
		"(a b) c":                             "a b c",
		"-(a b)":                              "-(a b)",
		"-(a)":                                "-a",
		"-(-a)":                               "a",
		"-(-(a b))":                           "a b",
		"-(-(a or b))":                        "a or b",
		"-((a or b) or c)d":                   "-(a or b or c) d",
		"a or(b or c) d":                      "a or (b or c) d",
		"(name:a,b* or -status:failed)":       "name:a,b* or -status:failed",
		`("a)" or "b")`:                       `"a)" or b`,
		"order or orders":                     "order or orders",
		"model:gpt*":                          "model:gpt*",
		"duration>300s":                       "duration>5m",
		"duration<=1d12h":                     "duration<=36h",
		"duration<1w":                         "duration<168h",
		"duration<1w1d3h":                     "duration<195h",
		"duration>1.5h":                       "duration>1h30m",
		"duration>0s":                         "duration>0s",
		"created>-24h":                        "created>2026-02-28T23:30:00Z",
		"created>+1d":                         "created>2026-03-02T23:30:00Z",
		"created:today":                       "created:2026-03-02",
		"created<yesterday":                   "created<2026-03-01",
		"updated<=now":                        "updated<=2026-03-01T23:30:00Z",
		"created:2026-01-31":                  "created:2026-01-31",
		"created<2026-01-31T10:00":            "created<2026-01-31T08:00:00Z",
		"created<2026-01-31T10:00Z":           "created<2026-01-31T10:00:00Z",
		"created<2026-01-31T10:00:00.5+01:00": "created<2026-01-31T09:00:00.5Z",
		"age>1h":                              "created<2026-03-01T22:30:00Z",
		"-age<=30m":                           "-created>=2026-03-01T23:00:00Z",
		`status:failed name:Order* phase:waiting_approval,stuck tag.team=pay created>-24h duration>5m -agent:Writer error~"429"`: `status:failed name:Order* phase:waiting_approval,stuck tag.team:pay created>2026-02-28T23:30:00Z duration>5m -agent:Writer error~429`,
	} {
		f, err := filter.Parse(in, now)
		if err != nil {
			t.Errorf("Parse(%q) = %v", in, err)
			continue
		}
		if got := f.String(); got != want {
			t.Errorf("Parse(%q).String() = %q, want %q", in, got, want)
		}
		checkPrinted(t, f)
	}
}

// checkPrinted checks that a filter's text means the same filter.
func checkPrinted(t interface {
	Helper()
	Errorf(string, ...any)
}, f *filter.Filter) {
	t.Helper()
	text := f.String()
	again, err := filter.Parse(text, now)
	if err != nil {
		t.Errorf("Parse(%q) = %v, want the filter that printed it", text, err)
		return
	}
	if diff := cmp.Diff(f, again); diff != "" {
		t.Errorf("Parse(%q) differs from the filter that printed it (-want +got):\n%s", text, diff)
	}
}

func TestMistakes(t *testing.T) {
	for in, want := range map[string]string{
		"stat:failed":                  `0-4 no field "stat"; a word with an operator in it needs quotes (status)`,
		"a statsu:failed b":            `2-8 no field "statsu"; a word with an operator in it needs quotes (status)`,
		"order:7":                      `0-5 no field "order"; a word with an operator in it needs quotes (worker)`,
		"xyzzyxyzzy:7":                 `0-10 no field "xyzzyxyzzy"; a word with an operator in it needs quotes`,
		"tag:x":                        `0-3 no field "tag"; a word with an operator in it needs quotes (tag.)`,
		"tag.:x":                       `0-4 a tag needs a key, as in tag.team:pay`,
		"status:faild":                 `7-12 status is one of pending running suspended completed failed terminated canceled (failed)`,
		"status:\"fail*\"":             `7-14 status is one of pending running suspended completed failed terminated canceled (failed)`,
		"status:x*":                    `7-9 status is one of pending running suspended completed failed terminated canceled`,
		"status>failed":                `7-13 status does not take >`,
		"status~fail":                  `7-11 status does not take ~`,
		"name>a":                       `5-6 name does not take >`,
		"attempt~1":                    `8-9 attempt does not take ~`,
		"age:5m":                       `4-6 age does not take :`,
		"name:":                        `5-5 a value is missing`,
		"name: x":                      `5-5 a value is missing`,
		"name:a,":                      `7-7 a value is missing`,
		"-":                            `1-1 a value is missing`,
		",":                            `0-0 a value is missing`,
		"a,b":                          `1-2 a list needs a field`,
		"attempt>1,2":                  `7-11 a list needs : or ~`,
		"--a":                          `1-3 a word that begins with - needs quotes`,
		`name:"a`:                      `5-7 the closing quote is missing`,
		"(a":                           `0-1 the closing parenthesis is missing`,
		"a)":                           `1-2 no parenthesis was opened before this`,
		"a -(b or (c)":                 `3-4 the closing parenthesis is missing`,
		"()":                           `0-2 a term is missing within the parentheses`,
		"a or":                         `4-4 a term is missing after "or"`,
		"or a":                         `0-2 a term is missing before "or"`,
		"(a or)":                       `5-5 a term is missing after "or"`,
		"a or or b":                    `5-7 a term is missing before "or"`,
		"-or":                          `1-3 "or" stands between terms; quote it to search for the word`,
		"(statsu:x or name:a) b":       `1-7 no field "statsu"; a word with an operator in it needs quotes (status)`,
		"name:a(b)":                    `5-8 quotes and parentheses are allowed within quotes only`,
		`"a\"`:                         `0-4 the closing quote is missing`,
		`name:"a"b`:                    `8-9 nothing may follow the closing quote`,
		`"a"*`:                         `3-4 nothing may follow the closing quote`,
		`name:a"b`:                     `5-8 quotes and parentheses are allowed within quotes only`,
		"name:a*b":                     `5-8 * may stand at the end only, or within quotes`,
		"name:**":                      `5-7 * may stand at the end only, or within quotes`,
		"cost>x":                       `5-6 not an amount in dollars, such as 0.05`,
		"cost>-1":                      `5-7 not an amount in dollars, such as 0.05`,
		"cost>.5":                      `5-7 not an amount in dollars, such as 0.05`,
		"cost>0.0000001":               `5-14 not an amount in dollars, such as 0.05`,
		"cost>9999999999999":           `5-18 not an amount in dollars, such as 0.05`,
		"attempt:x":                    `8-9 not an integer`,
		"attempt:99999999999999999999": `8-28 not an integer`,
		"duration>-5m":                 `9-12 not a duration; durations are such as 500ms, 5m, 1h30m, 7d`,
		"duration>5":                   `9-10 not a duration; durations are such as 500ms, 5m, 1h30m, 7d`,
		"duration>99999999w":           `9-18 not a duration; durations are such as 500ms, 5m, 1h30m, 7d`,
		"created>24h":                  `8-11 not a time; times are such as 2026-01-31, 2026-01-31T15:04:05Z, -24h, -7d, today, yesterday, now`,
		"created:2026-02-30":           `8-18 not a time; times are such as 2026-01-31, 2026-01-31T15:04:05Z, -24h, -7d, today, yesterday, now`,
		"stat:x nam:y name:z":          "0-4 no field \"stat\"; a word with an operator in it needs quotes (status)\n7-10 no field \"nam\"; a word with an operator in it needs quotes (name)",
		"a\xff":                        `0-2 not UTF-8`,
	} {
		f, err := filter.Parse(in, now)
		var mistakes filter.Errors
		if !errors.As(err, &mistakes) {
			t.Errorf("Parse(%q) = %v, %v, want mistakes", in, f, err)
			continue
		}
		var lines []string
		for _, e := range mistakes {
			line := fmt.Sprintf("%d-%d %s", e.From, e.To, e.Text)
			if e.Nearest != "" {
				line += " (" + e.Nearest + ")"
			}
			lines = append(lines, line)
		}
		if got := strings.Join(lines, "\n"); got != want {
			t.Errorf("Parse(%q) mistakes:\n%s\nwant:\n%s", in, got, want)
		}
	}
}

func TestErrorText(t *testing.T) {
	_, err := filter.Parse("a statsu:failed b(", now)
	want := `filter: column 3: no field "statsu"; a word with an operator in it needs quotes; did you mean status?; ` +
		`column 17: quotes and parentheses are allowed within quotes only`
	if got := fmt.Sprint(err); got != want {
		t.Errorf("Parse error = %q, want %q", got, want)
	}
}

func TestErrorOfTime(t *testing.T) {
	_, err := filter.Parse("created>toady", now)
	var wrong filter.Errors
	if !errors.As(err, &wrong) || len(wrong) != 1 || wrong[0].From != 8 || wrong[0].To != 13 || wrong[0].Nearest != "today" {
		t.Errorf("Parse error = %v, want one at 8-13 that is near to today", err)
	}
}

func TestLimits(t *testing.T) {
	words := strings.Repeat("a ", filter.MaxTerms)
	list := "name:" + strings.Repeat("a,", filter.MaxTerms-1) + "a"
	long := strings.Repeat("x", filter.MaxLength)
	for _, ok := range []string{words, list, long} {
		if _, err := filter.Parse(ok, now); err != nil {
			t.Errorf("Parse(%.30q...) = %v, want none", ok, err)
		}
		if _, err := filter.Parse(ok+"a b", now); err == nil {
			t.Errorf("Parse(%.30q... and more) = nil error, want one", ok)
		}
	}
	_, err := filter.Parse(strings.Repeat("x:y ", 50), now)
	var mistakes filter.Errors
	if errors.As(err, &mistakes); len(mistakes) != 8 {
		t.Errorf("mistakes reported = %d, want 8", len(mistakes))
	}
}

func TestFieldsAreParsed(t *testing.T) {
	for _, f := range filter.Fields() {
		name, op, value := f.Name, ":", "x"
		switch f.Type {
		case filter.Choice:
			value = f.Choices[0]
		case filter.Time:
			value = "today"
		case filter.Duration:
			op, value = ">", "5m"
		case filter.Integer, filter.Money:
			value = "7"
		}
		if name == filter.TagPrefix {
			name += "key"
		}
		if _, err := filter.Parse(name+op+value, now); err != nil {
			t.Errorf("Parse(%s%s%s) = %v, want none", name, op, value, err)
		}
	}
}

func TestRandomFiltersPrintAndParse(t *testing.T) {
	piece := rapid.SampledFrom([]string{"status", "name", "tag.k", "created", "duration", "attempt", "age", "has",
		":", "=", ">=", "~", ",", "-", " ", "\"", "\\", "*", "failed", "x", "-5m", "today", "5m", "7", "é", "(", ")", "or", " or ", "-(", "tokens>7"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")
		if f, err := filter.Parse(text, now); err == nil {
			checkPrinted(t, f)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := filter.Parse(text, now)
		if err == nil {
			checkLength(t, text, parsed)
			parsed.Match(row{})
			return
		}
		var mistakes filter.Errors
		if !errors.As(err, &mistakes) || len(mistakes) == 0 {
			t.Fatalf("Parse(%q) = %v, want Errors", text, err)
		}
		for _, e := range mistakes {
			if e.From < 0 || e.To < e.From || e.To > len(text) {
				t.Errorf("Parse(%q): mistake at %d-%d, want a place in the text", text, e.From, e.To)
			}
		}
	})
}

// checkLength checks what a filter prints unless resolved times made it longer
// than a filter may be.
func checkLength(t *testing.T, text string, f *filter.Filter) {
	t.Helper()
	if len(f.String()) <= filter.MaxLength {
		checkPrinted(t, f)
	} else if len(text) < filter.MaxLength/10 {
		t.Errorf("Parse(%q) prints %d bytes, want at most %d", text, len(f.String()), filter.MaxLength)
	}
}
