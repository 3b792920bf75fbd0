// Package fanout has an agent read all sections of a document, three at a time,
// and another one join what was found. How many sections there are is known only
// when the workflow runs. A section that was read is not paid for again after a
// crash.
//
//	curl --data-binary @README.md 'http://127.0.0.1:8080/api/workflow/DigestDocument/run?runId=digest'
//	curl 'http://127.0.0.1:8080/api/v1/runs/digest?wait=60s'
package fanout

import (
	"errors"
	"fmt"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

var (
	reader = agent.Named("SectionReader")
	editor = agent.Named("DigestEditor")
)

type Digest struct {
	Sections []string `json:"sections"` // what each says, in their order
	Summary  string   `json:"summary"`
}

// atOnce is how many sections are read at the same time.
const atOnce = 3

// DigestDocument sums up a document.
func DigestDocument(ctx *perdure.Context, document string) (Digest, error) {
	sections := split(document)
	if len(sections) == 0 {
		return Digest{}, errors.New("the document is empty")
	}
	// Fan out: a branch for each section, of which three run at a time.
	read := func(ctx *perdure.Context, section string) (string, error) {
		return reader.Run(ctx, section).Text()
	}
	found, err := perdure.Map(ctx, sections, atOnce, read)
	if err != nil {
		return Digest{}, fmt.Errorf("read the sections: %w", err)
	}
	// Fan in: all are there.
	summary, err := editor.Run(ctx, strings.Join(found, "\n")).Text()
	return Digest{Sections: found, Summary: summary}, err
}

// split returns the sections of a document: what stands between blank lines. It
// is part of the orchestration, which may compute whatever follows from its input.
func split(document string) []string {
	var sections []string
	for s := range strings.SplitSeq(document, "\n\n") {
		if s = strings.TrimSpace(s); s != "" {
			sections = append(sections, s)
		}
	}
	return sections
}

// Agents returns who reads and who writes.
func Agents(m model.Model) []*agent.Agent {
	return []*agent.Agent{
		{Name: "SectionReader", Description: "Sums up one section.", Instructions: "Say in one sentence what the text says.", Model: m},
		{Name: "DigestEditor", Description: "Joins summaries.", Instructions: "Join the sentences into one short paragraph.", Model: m},
	}
}

// Register makes the workflow and its agents known to a worker.
func Register(reg *perdure.Registry, m model.Model) error {
	perdure.AddOrchestration(reg, DigestDocument)
	return agent.Register(reg, Agents(m)...)
}
