package host

import (
	"log/slog"
	"testing"

	"github.com/perdure/perdure/internal/access"
)

// TestEveryMethodHasARule compares what is served with the table of rules.
func TestEveryMethodHasARule(t *testing.T) {
	app, err := New(Config{Hub: t.TempDir(), Addr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f, err := app.listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		for _, l := range f.listeners {
			_ = l.Close()
		}
		_ = f.close()
	}()
	served := make(map[string]bool)
	for name, info := range f.rpc.GetServiceInfo() {
		for _, m := range info.Methods {
			method := "/" + name + "/" + m.Name
			served[method] = true
			r, ok := f.rpc.rules[method]
			if !ok {
				t.Errorf("%s has no rule: say in rules who may call it", method)
			}
			if r.need == 0 {
				t.Errorf("%s needs no right, which nobody has", method)
			}
			finite := method == sidecar+"StreamInstanceHistory" || method == own+"History"
			if r.atStop == finish && m.IsServerStream && !finite {
				t.Errorf("%s is a stream that holds up a stop", method)
			}
		}
	}
	for method := range rules() {
		if !served[method] {
			t.Errorf("there is a rule for %s, which is not served", method)
		}
	}
	if r := f.rpc.ruleOf("/x/y"); r.need != access.Write {
		t.Errorf("a method without a rule needs %v, want the most", r.need)
	}
}
