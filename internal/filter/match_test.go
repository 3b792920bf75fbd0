package filter_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/filter"
)

// row holds the values of a row by field.
type row map[string][]filter.Value

func (r row) Field(name string) []filter.Value { return r[name] }

func texts(values ...string) []filter.Value {
	var all []filter.Value
	for _, s := range values {
		all = append(all, filter.Value{Text: s})
	}
	return all
}

func number(n int64) []filter.Value { return []filter.Value{{Number: n}} }
func at(t time.Time) []filter.Value { return []filter.Value{{Time: t}} }

func TestMatch(t *testing.T) {
	r := row{
		"id": texts("order-42"), "name": texts("OrderFlow"), "status": texts("running"),
		"phase": texts("waiting_approval"), "has": texts("decision", "child"), "tag.team": texts("pay"),
		"tag.empty": texts(""), "error": texts("HTTP 429: Too many Requests"), "attempt": number(3),
		"tokens": number(1200), "cost": number(50_000), "duration": number(int64(5 * time.Minute)), "created": at(now.Add(-2 * time.Hour)),
		"updated": at(time.Date(2026, 3, 1, 0, 0, 0, 0, now.Location())),
	}
	for text, want := range map[string]bool{
		"": true, "order": true, "order-42": true, "Order": true, "rder": false, "orderf": false, "*": true,
		"-order": false, "-other": true, "order other": false, "order running": false,
		"id:order-42": true, "id:order": false, "id:order*": true, "id:other,order-42": true, "id:*": true,
		"id:Order-42": false, `id:"order*"`: false,
		"status:running": true, "status:failed,running": true, "-status:running": false, "status:run*": true,
		"phase:waiting*": true, "phase:stuck": false,
		"has:decision": true, "has:child": true, "has:error": false, "-has:error": true, "has:error,child": true,
		"tag.team:pay": true, "tag.team:p*": true, "tag.Team:pay": false, "tag.none:*": false, "tag.empty:*": true,
		`tag.empty:""`: true, `tag.none:""`: true, `tag.team:""`: false, `parent:""`: true, "parent:*": false,
		"-parent:*": true, "-agent:Writer": true, `agent~""`: false,
		"error~429": true, "error~TOO": true, "error~500": false, "error~500,429": true, `error~"many req"`: true,
		"attempt:3": true, "attempt:1,3": true, "attempt>3": false, "attempt>=3": true, "attempt<4": true,
		"attempt<=2": false, "attempt<3": false, "attempt<=3": true, "attempt>2": true,
		"cost>0.04": true, "cost>0.05": false, "cost:0.05": true, "cost<=0.05": true, "cost<0.05": false, "tokens>1000": true,
		"duration>5m": false, "duration>=5m": true, "duration:5m": true, "duration<5m": false, "duration<=300s": true,
		"created>-24h": true, "created>-2h": false, "created>=-2h": true, "created:-2h": true, "created<-2h": false,
		"created<=-2h": true, "created<-1h": true, "created:today": false, "created:yesterday": true,
		"age>1h": true, "age>2h": false, "age>=2h": true, "age<3h": true, "age<=1h": false, "age<2h": false,
		"updated:yesterday": true, "updated>=yesterday": true, "updated>yesterday": false, "updated<yesterday": false,
		"updated<=yesterday": true, "updated>2026-02-28": true, "updated:2026-02-28": false, "updated<today": true,
		"completed<now": false, "completed>=2000-01-01": false, "-completed<now": true,
		"status:failed or name:Order*": true, "status:failed or name:Other*": false, "order (status:failed or phase:stuck)": false,
		"order (status:failed or -phase:stuck)": true, "-(status:running phase:stuck)": true, "-(status:running name:Order*)": false,
		"-(status:failed or phase:stuck)": true, "status:failed order or has:child age>1h": true,
		`status:running name:Order* -tag.team:ops error~"429" age>1h`: true,
	} {
		f, err := filter.Parse(text, now)
		if err != nil {
			t.Errorf("Parse(%q) = %v", text, err)
			continue
		}
		if got := f.Match(r); got != want {
			t.Errorf("Parse(%q).Match(row) = %v, want %v", text, got, want)
		}
	}
}

func TestZeroFilterMatches(t *testing.T) {
	if !new(filter.Filter).Match(row{}) {
		t.Error("Match of the zero Filter = false, want true")
	}
}

func ExampleParse() {
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	f, err := filter.Parse(`status:failed name:Order* created>-24h`, noon)
	fmt.Println(f, err)
	_, err = filter.Parse(`statsu:failed`, noon)
	fmt.Println(err)
	// Output:
	// status:failed name:Order* created>2026-01-30T12:00:00Z <nil>
	// filter: column 1: no field "statsu"; a word with an operator in it needs quotes; did you mean status?
}

func BenchmarkMatch(b *testing.B) {
	f, err := filter.Parse("status:running name:Order* tag.team:pay error~429", now)
	if err != nil {
		b.Fatal(err)
	}
	r := row{"status": texts("running"), "name": texts("OrderFlow"), "tag.team": texts("pay"),
		"error": texts("HTTP 429: Too many Requests")}
	b.ReportAllocs()
	for b.Loop() {
		f.Match(r)
	}
}
