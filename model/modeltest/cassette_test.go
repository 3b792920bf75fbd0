package modeltest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/model/modeltest"
)

// echo answers with what must not be recorded.
func echo(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Request-Id", r.Header.Get("Api-Key"))
		w.Header().Set("Set-Cookie", "session=secret-cookie")
		w.Write([]byte("key " + r.Header.Get("Authorization") + " query " + r.URL.RawQuery + " body " + string(b)))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestCassetteHoldsNoSecret(t *testing.T) {
	url := echo(t)
	mail := func(body []byte) []byte {
		return regexp.MustCompile(`[a-z]+@[a-z.]+`).ReplaceAll(body, []byte("somebody"))
	}
	send := func(rt http.RoundTripper, key string) string {
		t.Helper()
		req, err := http.NewRequest("POST", url+"/v1/"+key+"/x?Sig="+key+"-sig&n=1",
			strings.NewReader(`{"to":"ada@shop.test","key":"`+key+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Api-Key", key+"-api")
		answer, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatalf("RoundTrip() = %v", err)
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var tape bytes.Buffer
	recorder := modeltest.NewRecorder(&tape, nil, mail)
	if got := send(recorder, "sk-secret-1"); !strings.Contains(got, "Bearer sk-secret-1") || !strings.Contains(got, "ada@shop.test") {
		t.Errorf("recorded call = %q, want the real answer", got)
	}
	if err := recorder.Err(); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"secret", "ada@shop.test", "Bearer"} {
		if strings.Contains(tape.String(), secret) {
			t.Errorf("cassette holds %q: %s", secret, tape.String())
		}
	}
	// Whoever plays it has another key, or none.
	player := modeltest.Play(t, bytes.NewReader(tape.Bytes()), mail)
	want := `key scrubbed query Sig=scrubbed&n=1 body {"to":"somebody","key":"scrubbed"}`
	if diff := cmp.Diff(want, send(player, "another-key")); diff != "" {
		t.Errorf("played answer mismatch (-want +got):\n%s", diff)
	}
}

func TestPlayIsStrict(t *testing.T) {
	for tape, want := range map[string]string{
		`{"method":"POST","url":"http://x/","hash":"h","status":200}`: "1 of 1 exchanges unused",
		"{": "line 1",
		"":  "",
	} {
		f := &fakeT{}
		modeltest.Play(f, strings.NewReader(tape))
		if got := strings.Join(f.end(), "\n"); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("Play(%q) reported %q, want %q", tape, got, want)
		}
	}
}
