package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/auto"
	"github.com/perdure/perdure/model/modeltest"
)

func modelCommand(t *terminal) *cobra.Command {
	return group("model", "Serve a scripted model, for tests of programs that call one", modelServeCommand(t))
}

// modelFlags are the flags of model serve.
type modelFlags struct {
	addr, script, ledger string
	repeat, strict       bool
	unsafeListen         bool
	pace, per            time.Duration
	requests             int
}

func modelServeCommand(t *terminal) *cobra.Command {
	var f modelFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve a script, or the demo model, as OpenAI and Anthropic serve theirs",
		Long: `Serves the offline demo model, or the steps of a script, over the APIs of OpenAI
(chat completions, responses) and Anthropic (messages), streamed and whole. Any
program that lets its base URL be set can call it, with any key:

  OPENAI_BASE_URL=http://127.0.0.1:8089/v1 OPENAI_API_KEY=any
  ANTHROPIC_BASE_URL=http://127.0.0.1:8089 ANTHROPIC_API_KEY=any

A script has one JSON document a line for each call, in their order:

  {"say": "It rains."}
  {"call": "get_weather", "arguments": {"city": "Oslo"}}
  {"fail": 429, "message": "slow down", "retry_after": "2s"}
  [{"think": "Hm.", "protected": "c2ln"}, {"say": "half an ans", "pace": "50ms"}, {"cut": true}]

GET /__ledger shows what was asked and billed. docs/models.md describes it all.

Prints one line of JSON with the addresses, in a pipe.`,
		Example: "  perdure model serve --script steps.jsonl --addr 127.0.0.1:0",
		Args:    exactly(0, "no arguments"),
		RunE:    func(c *cobra.Command, _ []string) error { return f.serve(c, t) },
	}
	flags := c.Flags()
	flags.StringVar(&f.addr, "addr", "127.0.0.1:8089", "address to serve on; port 0 picks a free one")
	flags.BoolVar(&f.unsafeListen, "unsafe-listen", false, "serve on an address that others can reach, without login")
	flags.StringVar(&f.script, "script", "", "file with a step for each call, - for standard input (default: the demo model)")
	flags.BoolVar(&f.repeat, "repeat", false, "begin the script again at its end, instead of refusing calls")
	flags.BoolVar(&f.strict, "strict", false, "exit with 1 if calls found no step, or steps no call")
	flags.DurationVar(&f.pace, "pace", 0, "time of a word (default: what the script says; the demo model "+auto.DefaultPace.String()+")")
	flags.StringVar(&f.ledger, "ledger", "", "file for the ledger, which is on disk before each answer")
	flags.IntVar(&f.requests, "limit", 0, "requests that are let through within --per, others get 429 (default: no limit)")
	flags.DurationVar(&f.per, "per", time.Minute, "time of --limit")
	return c
}

// addresses are where the server is reached.
type addresses struct {
	URL       string `json:"url"`
	OpenAI    string `json:"openai_base_url"`
	Anthropic string `json:"anthropic_base_url"`
}

func (f *modelFlags) serve(c *cobra.Command, t *terminal) error {
	m, script, err := f.model(t)
	if err != nil {
		return err
	}
	out, err := newOutput(c, t)
	if err != nil {
		return err
	}
	handler, err := modeltest.ServerConfig{Model: m, Requests: f.requests, Per: f.per, Keep: 1, Ledger: f.ledger}.New()
	if err != nil {
		return fail(exitUsage, c.CommandPath()+" --help explains the flags", "%s", oneLine(err))
	}
	defer handler.Close()
	listener, err := f.listen()
	if err != nil {
		return err
	}
	url := "http://" + listener.Addr().String()
	where := addresses{URL: url, OpenAI: url + "/v1", Anthropic: url}
	if out.format != "table" {
		err = out.document(where)
	} else {
		_, err = fmt.Fprintf(t.out, "serving %s %s\n\n  export OPENAI_BASE_URL=%s OPENAI_API_KEY=any\n  export ANTHROPIC_BASE_URL=%s ANTHROPIC_API_KEY=any\n\nCtrl-C exits.\n",
			describe(model.Describe(m)), "at "+url, where.OpenAI, where.Anthropic)
	}
	if err != nil {
		listener.Close()
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err = <-ended:
		return fail(exitError, "", "serve %s: %s", url, err)
	case <-c.Context().Done():
	}
	server.Close()
	<-ended
	if err := handler.Close(); err != nil {
		return fail(exitError, "", "%s", oneLine(err))
	}
	if f.strict && script != nil && script.Err() != nil {
		return fail(exitError, "GET /__ledger shows the calls while the server runs", "%s", script.Err())
	}
	return nil
}

// model returns what is served, and the script if it is one.
func (f *modelFlags) model(t *terminal) (model.Model, *modeltest.Scripted, error) {
	if f.script == "" {
		return auto.NewDemo(auto.DemoConfig{Pace: f.pace}), nil, nil
	}
	in := t.in
	if f.script != "-" {
		file, err := os.Open(f.script)
		if err != nil {
			return nil, nil, fail(exitUsage, "give the name of a file", "%s", err)
		}
		defer file.Close()
		in = file
	}
	steps, err := modeltest.ReadScript(in)
	if err != nil {
		return nil, nil, fail(exitUsage, "perdure model serve --help shows what a line may hold", "%s: %s", cmp.Or(f.script, "-"), err)
	}
	for i := range steps {
		steps[i] = steps[i].Pace(f.pace)
	}
	script := modeltest.NewScript(steps...)
	if f.repeat {
		script = modeltest.Repeat(steps...)
	}
	return script, script, nil
}

func (f *modelFlags) listen() (net.Listener, error) {
	name, _, err := net.SplitHostPort(f.addr)
	if err != nil {
		return nil, fail(exitUsage, "127.0.0.1:8089 is one", "--addr %q: %s", f.addr, err)
	}
	ip := net.ParseIP(name)
	if !f.unsafeListen && name != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fail(exitUsage, "--unsafe-listen allows it", "--addr %s can be reached by others, and there is no login", f.addr)
	}
	listener, err := net.Listen("tcp", f.addr)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return nil, fail(exitError, "--addr 127.0.0.1:0 picks a free port", "listen on %s: %s", f.addr, err)
	}
	return listener, nil
}
