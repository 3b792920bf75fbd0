package sequential_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/examples/sequential"
	"github.com/perdure/perdure/perduretest"
)

func env(t *testing.T, opts ...perduretest.Option) *perduretest.Env {
	t.Helper()
	reg := perdure.NewRegistry()
	sequential.Register(reg)
	return perduretest.New(t, reg, opts...)
}

func TestWorkflows(t *testing.T) {
	e := env(t)
	for _, c := range []struct {
		workflow  func(*perdure.Context, string) (string, error)
		id        string
		want, err string
	}{
		{sequential.CancelOrder, "A100", "Order A100 is cancelled, ada@example.com was told", ""},
		{sequential.OrderStatus, "A200", "Order A200 of bob@example.com is delivered", ""},
		{sequential.CancelOrder, "A200", "", "order A200 has been delivered"},
		{sequential.OrderStatus, "A300", "", `there is no order "A300"`},
	} {
		got, err := perduretest.Run(e, c.workflow, c.id)
		if got != c.want || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("workflow of %s = %q, %v, want %q, %q", c.id, got, err, c.want, c.err)
		}
	}
	if n := len(e.Calls("LookUpOrder")); n != 4 {
		t.Errorf("LookUpOrder ran %d times, want 4: both workflows use it", n)
	}
}

// TestMailServerDown has the mail fail twice: it is sent after 3 minutes, and the
// order is cancelled once.
func TestMailServerDown(t *testing.T) {
	down := errors.New("down")
	e := env(t, perduretest.Outcomes("MailCustomer",
		perduretest.Fail(down), perduretest.Fail(down), perduretest.Return("told")))
	began := e.Now()
	got, err := perduretest.Run(e, sequential.CancelOrder, "A100")
	if took := e.Now().Sub(began); got != "told" || err != nil || took != 3*time.Minute {
		t.Errorf("CancelOrder() = %q, %v after %v, want told after 3m", got, err, took)
	}
	if n := len(e.Calls("MarkCancelled")); n != 1 {
		t.Errorf("MarkCancelled ran %d times, want once", n)
	}
}
