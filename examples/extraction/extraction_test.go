package extraction_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/extraction"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

const (
	misread = `{"number":"7","seller":"Ann","currency":"EUR","items":[{"text":"Tea","cents":300},{"text":"Cake","cents":450}],"total":150}`
	right   = `{"number":"7","seller":"Ann","currency":"EUR","items":[{"text":"Tea","cents":300},{"text":"Cake","cents":450}],"total":750}`
)

var (
	page = extraction.Document{MediaType: "image/png", Data: []byte("a picture of an invoice")}
	want = extraction.Invoice{Number: "7", Seller: "Ann", Currency: "EUR", Total: 750,
		Items: []extraction.Item{{Text: "Tea", Cents: 300}, {Text: "Cake", Cents: 450}}}
)

func register(t *testing.T, reg *perdure.Registry, m model.Model) {
	t.Helper()
	if err := extraction.Register(reg, m); err != nil {
		t.Fatal(err)
	}
}

// sees reports whether the model is given the picture.
func sees(r *model.Request) bool {
	for _, m := range r.Messages {
		for _, c := range m.Contents {
			if d, ok := c.(*model.Data); ok {
				kind, data, err := d.Decode()
				return err == nil && kind == page.MediaType && string(data) == string(page.Data)
			}
		}
	}
	return false
}

// TestCrashEverywhere has the model answer in prose, misread the total, and then
// read it well, with a crash at each commit.
func TestCrashEverywhere(t *testing.T) {
	m := modeltest.Reply(func(r *model.Request) modeltest.Step {
		if !sees(r) || r.Format == nil {
			t.Error("the model is not given the picture, or no format")
		}
		switch last := r.Messages[len(r.Messages)-1].Text(); {
		case strings.Contains(last, "does not fit the format"):
			return modeltest.Say(misread)
		case strings.Contains(last, "the items add up to 750 cents, but the total is 150"):
			return modeltest.Say(right)
		}
		return modeltest.Say("It is an invoice of Ann's.")
	})
	scenario := perduretest.Scenario{
		Ignore:   perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) { register(t, reg, m) },
		Run: func(e *perduretest.Env) {
			if _, err := client.Start(t.Context(), e.Client(), extraction.ReadInvoice, page, client.StartOptions{ID: "inv"}); err != nil {
				t.Fatal(err)
			}
			got, err := perduretest.Result[extraction.Invoice](e, "inv")
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Errorf("ReadInvoice() (-want +got), %v:\n%s", err, d)
			}
		},
	}
	perduretest.CrashEverywhere(t, scenario)
	crashes.LongOnPostgres(t, scenario)
}

// TestUnreadable has the model misread the invoice twice.
func TestUnreadable(t *testing.T) {
	reg := perdure.NewRegistry()
	register(t, reg, modeltest.Script(t, modeltest.Say(misread), modeltest.Say(misread)))
	env := perduretest.New(t, reg)
	if got, err := perduretest.Run(env, extraction.ReadInvoice, page); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("ReadInvoice() = %+v, %v, want that it cannot be read", got, err)
	}
}
