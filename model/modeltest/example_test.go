package modeltest_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/model/openai"
)

// askServer puts a question to a server with the real client.
func askServer(url string, transport http.RoundTripper) (string, error) {
	m, err := openai.New(openai.Config{Model: "gpt-test", APIKey: "sk-secret", BaseURL: url + "/v1",
		HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		return "", err
	}
	r, err := model.Collect(m.Generate(context.Background(), &model.Request{Messages: []*model.Message{model.UserText("Rain?")}}))
	return r.Text(), err
}

// A scripted provider: the program under test calls it over HTTP, with the client
// that it also uses in production.
func ExampleServer() {
	handler := modeltest.NewServer(modeltest.NewScript(
		modeltest.RateLimit(0),
		modeltest.Say("It rains."),
	))
	server := httptest.NewServer(handler)
	defer server.Close()

	_, err := askServer(server.URL, nil)
	fmt.Println(model.Unavailable(err), err)
	text, _ := askServer(server.URL, nil)
	fmt.Println(text)
	for _, e := range handler.Ledger() {
		fmt.Println(e.Number, e.Outcome, e.Status, e.InputTokens, e.OutputTokens)
	}
	// Output:
	// true openai-compatible 429 rate_limit_exceeded: too many requests
	// It rains.
	// 1 failed 429 0 0
	// 2 answered 200 2 2
}

// Calls are recorded once, with a key, and played from then on, without one.
func ExampleRecorder() {
	server := httptest.NewServer(modeltest.NewServer(modeltest.NewScript(modeltest.Say("It rains."))))
	defer server.Close()

	var cassette bytes.Buffer // in a test, a file below testdata
	recorder := modeltest.NewRecorder(&cassette, nil)
	recorded, _ := askServer(server.URL, recorder)
	fmt.Println(recorded, recorder.Err(), bytes.Contains(cassette.Bytes(), []byte("sk-secret")))

	player, err := modeltest.NewPlayer(&cassette)
	if err != nil {
		fmt.Println(err)
		return
	}
	played, _ := askServer(server.URL, player)
	fmt.Println(played, player.Unused())
	// Output:
	// It rains. <nil> false
	// It rains. 0
}
