// Package mcpworkflow offers a workflow as a tool of an MCP server, so that other
// agents and chat programs call it: TranslateText has one agent translate and
// another one proofread. A call that takes too long is told the id of the run and
// comes back for it; a caller that crashes loses nothing.
//
//	m, _, err := auto.FromEnv(os.Getenv)
//	cfg, err := mcpworkflow.Config(m)
//	app, err := host.New(cfg)
//	err = app.Run(ctx)
//
// The tool is then served at http://127.0.0.1:8080/mcp, and over stdin and stdout by
//
//	perdure mcp --hub http://127.0.0.1:8080
package mcpworkflow

import (
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
)

var (
	translator  = agent.Named("Translator")
	proofreader = agent.Named("Proofreader")
)

// Job is the input of the workflow; its JSON schema is that of the tool's input.
type Job struct {
	Text     string `json:"text" jsonschema:"the text to translate"`
	Language string `json:"language" jsonschema:"the language to translate into, such as French"`
}

// Translation is its output.
type Translation struct {
	Draft string `json:"draft"`
	Final string `json:"final"`
}

// TranslateText translates a text and has it proofread.
func TranslateText(ctx *perdure.Context, job Job) (t Translation, err error) {
	t.Draft, err = translator.Run(ctx, fmt.Sprintf("Translate into %s:\n\n%s", job.Language, job.Text)).Text()
	if err != nil {
		return t, err
	}
	t.Final, err = proofreader.Run(ctx, fmt.Sprintf("Correct this text in %s:\n\n%s", job.Language, t.Draft)).Text()
	return t, err
}

// Workflows says which orchestrations are tools: none is that is not named.
func Workflows() ([]mcp.Workflow, error) {
	input, err := agent.FormatFor[Job]()
	if err != nil {
		return nil, err
	}
	return []mcp.Workflow{{
		Orchestration: "TranslateText",
		Tool:          "translate_text",
		Description:   "Translates a text and proofreads the translation.",
		Input:         input.Schema,
	}}, nil
}

// Agents returns who translates and who proofreads.
func Agents(m model.Model) []*agent.Agent {
	return []*agent.Agent{
		{Name: "Translator", Description: "Translates.", Instructions: "Translate the text. Answer with the translation alone.", Model: m},
		{Name: "Proofreader", Description: "Proofreads.", Instructions: "Correct the text. Answer with the corrected text alone.", Model: m},
	}
}

// Register makes the workflow and its agents known to a worker.
func Register(reg *perdure.Registry, m model.Model) error {
	perdure.AddOrchestration(reg, TranslateText)
	return agent.Register(reg, Agents(m)...)
}

// Config returns an app with the workflow and its tool.
func Config(m model.Model) (host.Config, error) {
	reg := perdure.NewRegistry()
	if err := Register(reg, m); err != nil {
		return host.Config{}, err
	}
	workflows, err := Workflows()
	return host.Config{Registry: reg, Workflows: workflows}, err
}
