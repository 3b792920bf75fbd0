// Package retention says how long a conversation is kept, and how much of it the
// model is given. The session is deleted 30 days after its last use, with all that
// was said in it. While it lives, a long conversation is made short for the model: old
// results of tools are cut, and what is older than the newest messages is summarised
// once. Nothing is rewritten: people read and export the whole conversation.
//
//	go run ./examples/serve retention
//	curl --json '{"message":"Read article of \"Marie Curie\".","sessionId":"k1"}' \
//	  http://127.0.0.1:8080/api/agents/Archivist/run
//	curl 'http://127.0.0.1:8080/api/v1/agents/Archivist/sessions/k1/export'
package retention

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// TTL is how long a session is kept after its last use.
const TTL = 30 * 24 * time.Hour

// Article is the input of read_article.
type Article struct {
	Title string `json:"title"`
}

// ReadArticle stands for a tool with long results.
func ReadArticle(_ context.Context, in Article) (string, error) {
	return fmt.Sprintf("%s. %s", in.Title, strings.Repeat("It is a long story. ", 200)), nil
}

// New returns the agent. The summaries are written by a model of their own, which
// may be a smaller one; nil = m.
func New(m, summarizer model.Model) *agent.Agent {
	return &agent.Agent{
		Name: "Archivist", Description: "Answers questions from an archive.", Model: m,
		Instructions: "You answer questions from the archive. Read before you answer.",
		Tools:        []agent.Tool{agent.NewTool("read_article", "Returns an article.", ReadArticle, agent.WithEffect(agent.Pure))},
		TTL:          TTL,
		Compaction: &agent.Compaction{
			MaxTokens:   2000, // as the provider counts them: rather 50,000 in earnest
			MaxMessages: 16,
			Keep:        6, // of the newest messages stay as they are
			TrimResults: 200,
			Summarize:   true,
			Summarizer:  summarizer,
		},
	}
}

// Register makes the agent known to a worker.
func Register(reg *perdure.Registry, m model.Model) error { return agent.Register(reg, New(m, nil)) }
