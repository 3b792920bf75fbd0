package responses_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/model/modeltest"
)

// TestJavaScript has OpenAI's SDK for JavaScript, which .ci/test installs, talk to
// the server.
func TestJavaScript(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("OpenAI's SDK for JavaScript was not run: there is no node")
	}
	if _, err := os.Stat("testdata/js/node_modules/openai"); err != nil {
		t.Skip("OpenAI's SDK for JavaScript was not run: it is not installed (npm ci in internal/responses/testdata/js)")
	}
	a, paid := payer(t,
		modeltest.Say("Arr, matey."),
		modeltest.Say("One two three."), modeltest.Say("Again."),
		modeltest.Say("Late."), modeltest.Say("For ever ").Then(modeltest.Pause(time.Hour)),
		modeltest.Call("weather", `{"city":"Oslo"}`), modeltest.Say("It rains."), modeltest.Say(`{"n":7}`),
		modeltest.Call("pay", `{"Amount":5}`), modeltest.Say("Paid."),
		modeltest.Say("So long."))
	s := serve(t, a)
	cmd := exec.CommandContext(timely(t), "node", "test.mjs", s.url)
	cmd.Dir = "testdata/js"
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "ok ") != 6 || paid() != "[5]" {
		t.Errorf("node = %v with payments %s:\n%s", err, paid(), out)
	}
}
