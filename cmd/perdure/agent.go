package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func agentCommand(t *terminal) *cobra.Command {
	c := group("agent", "Talk with agents and see their sessions", agentList(t), agentChat(t), agentSend(t), agentSessions(t))
	addServerFlag(c)
	return c
}

// agentDocument is what commands read of an agent.
type agentDocument struct {
	Name         string `json:"name"`
	Description  string `json:"description"`
	Instructions string `json:"instructions"`
	Model        string `json:"model"`
	Tools        []struct {
		Name string `json:"name"`
	} `json:"tools"`
}

// sessionDocument is what commands read of a session.
type sessionDocument struct {
	Agent    string `json:"agent"`
	Key      string `json:"key"`
	State    string `json:"state"`
	Preview  string `json:"preview"`
	Role     string `json:"preview_role"`
	Messages int64  `json:"messages"`
	Turns    int64  `json:"turns"`
	Running  string `json:"running"`
	Tokens   struct {
		Total int64 `json:"total"`
	} `json:"tokens"`
	USD     float64    `json:"cost_usd"`
	Created *time.Time `json:"created"`
	Updated *time.Time `json:"updated"`
}

// agentPath is the path of an agent.
func agentPath(name string) string { return "/api/v1/agents/" + segment(name) }

// sessionPath is the path of a session.
func sessionPath(agent, key string) string { return agentPath(agent) + "/sessions/" + segment(key) }

// newSessionKey returns a key that people can type and nobody else has.
func newSessionKey() string {
	var key [6]byte
	_, _ = rand.Read(key[:]) // never fails
	return hex.EncodeToString(key[:])
}

func agentList(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the agents that the server knows",
		Example: "  perdure agent list",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			var raw json.RawMessage
			if err := s.get(c.Context(), "/api/v1/agents", &raw); err != nil {
				return err
			}
			return list(out, raw, "no agents; perdure dev has some to try", []string{"AGENT", "MODEL", "TOOLS", "ABOUT"},
				func(a *agentDocument) []string {
					var tools []string
					for _, tool := range a.Tools {
						tools = append(tools, tool.Name)
					}
					about := a.Description
					if about == "" {
						about = a.Instructions
					}
					return []string{a.Name, a.Model, strings.Join(tools, " "), about}
				})
		},
	}
}

func agentSessions(t *terminal) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:     "sessions NAME",
		Short:   "List the sessions of an agent",
		Example: "  perdure agent sessions Joker",
		Args:    exactly(1, "the name of an agent"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			var raw json.RawMessage
			if err := s.get(c.Context(), agentPath(args[0])+"/sessions?limit="+strconv.Itoa(limit), &raw); err != nil {
				return err
			}
			return list(out, raw, "no sessions; perdure agent chat "+safe(quoted(args[0]))+" begins one",
				[]string{"KEY", "STATE", "TURNS", "TOKENS", "COST", "UPDATED", "SAID LAST"}, func(d *sessionDocument) []string {
					return []string{d.Key, strings.ReplaceAll(d.State, "_", " "), strconv.FormatInt(d.Turns, 10), count(d.Tokens.Total),
						costText(d.USD), out.when(d.Updated), d.Preview}
				})
		},
	}
	c.Flags().IntVar(&limit, "limit", 100, "the most sessions to show, up to 1000")
	return c
}

// costText shows what models cost, "" if nothing is known to.
func costText(usd float64) string {
	if usd == 0 {
		return ""
	}
	return money(usd)
}

// posted is the answer to a message.
type posted struct {
	Turn    string `json:"turn"`
	Session string `json:"session"`
}

// tell says something in a session and returns the turn that answers.
func (s *server) tell(ctx context.Context, agent, key, text string, raw *json.RawMessage) (*posted, error) {
	body, err := encode(map[string]any{"message": text})
	if err != nil {
		return nil, err
	}
	if err := s.post(ctx, sessionPath(agent, key)+"/messages", body, raw); err != nil {
		return nil, err
	}
	var p posted
	return &p, decode(*raw, &p)
}

func agentSend(t *terminal) *cobra.Command {
	var wait bool
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "send NAME [KEY] MESSAGE",
		Short: "Say something to an agent, from a script",
		Long: `Say something to an agent, in the session KEY or in a new one, and print the id of the turn that
answers; with --wait the answer itself. A message of - is read from standard input.`,
		Example: "  perdure agent send Joker bob 'Tell me a joke about a pirate.' --wait",
		Args:    between(2, 3, "the name of an agent, the key of a session and a message"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			key, text := newSessionKey(), args[len(args)-1]
			if len(args) == 3 {
				key = args[1]
			}
			if text == "-" {
				data, err := t.readAll(c.Context())
				if err != nil {
					return err
				}
				text = string(data)
			}
			var raw json.RawMessage
			p, err := s.tell(c.Context(), args[0], key, text, &raw)
			if err != nil {
				return err
			}
			if wait {
				return s.answer(c.Context(), out, args[0], p, timeout)
			}
			if out.format != "table" {
				return out.document(raw)
			}
			_, err = fmt.Fprintln(out.out, safe(p.Turn))
			return err
		},
	}
	c.Flags().BoolVar(&wait, "wait", false, "wait for the answer and print it")
	c.Flags().DurationVar(&timeout, "timeout", 0, "with --wait: give up after this long, with exit code 7; the turn goes on")
	return c
}

// answer waits for the end of a turn and prints what the agent has said at last.
func (s *server) answer(ctx context.Context, out *output, agent string, p *posted, timeout time.Duration) error {
	ctx, cancel := within(ctx, timeout)
	defer cancel()
	var end frame
	err := s.turn(ctx, agent, p.Session, p.Turn, func(f *frame) (bool, error) {
		if f.Type == "decision" {
			out.say("it waits for a decision: perdure inbox get %s", safe(f.Decision))
		}
		end = *f
		return f.Type == "end", nil
	})
	if err != nil {
		return left(err, "the turn", "perdure agent chat "+quoted(agent)+" "+quoted(p.Session)+" shows it")
	}
	if err := end.failed(p.Turn); err != nil {
		return err
	}
	last, err := s.lastAnswer(ctx, agent, p)
	if err != nil {
		return err
	}
	if out.format != "table" {
		return out.document(last)
	}
	var m message
	if err := decode(last, &m); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out.out, safeText(m.text()))
	return err
}

// message is what commands read of a message of a conversation.
type message struct {
	Turn    string `json:"turn"`
	Message struct {
		Role     string `json:"role"`
		Contents []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"contents"`
	} `json:"message"`
}

// text is the text of the message.
func (m *message) text() string {
	var b strings.Builder
	for _, c := range m.Message.Contents {
		if c.Type == "text" {
			b.WriteString(c.Text)
		}
	}
	return strings.TrimSpace(b.String())
}

// lastAnswer returns the last message of a turn that the agent has written.
func (s *server) lastAnswer(ctx context.Context, agent string, p *posted) (json.RawMessage, error) {
	var session sessionDocument
	path := sessionPath(agent, p.Session)
	if err := s.get(ctx, path, &session); err != nil {
		return nil, err
	}
	const most = 1000
	var page struct{ Items []json.RawMessage }
	if err := s.get(ctx, path+"/messages?limit="+strconv.Itoa(most)+"&from="+strconv.FormatInt(max(session.Messages-most, 0), 10), &page); err != nil {
		return nil, err
	}
	for i := len(page.Items) - 1; i >= 0; i-- {
		var m message
		if err := decode(page.Items[i], &m); err != nil {
			return nil, err
		}
		if m.Turn == p.Turn && m.Message.Role == "assistant" {
			return page.Items[i], nil
		}
	}
	return nil, fail(exitError, "perdure session export "+quoted(agent)+" "+quoted(p.Session)+" shows all that was said", "the turn %s has ended without an answer", p.Turn)
}
