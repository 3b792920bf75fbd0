package main

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func entityCommand(t *terminal) *cobra.Command {
	c := group("entity", "Read and signal entities", entityList(t), entityGet(t), entitySignal(t))
	addServerFlag(c)
	return c
}

// entityRow is what commands read of an entity.
type entityRow struct {
	ID      string          `json:"id"`
	Updated *time.Time      `json:"updated"`
	Queue   int             `json:"queue_depth"`
	Lock    string          `json:"lock_owner"`
	Last    string          `json:"last_op"`
	Failed  string          `json:"last_error"`
	State   json.RawMessage `json:"state"`
}

// entityPath is the path of an entity, given as name and key or as @name@key.
func entityPath(args []string) (path string, rest []string, err error) {
	name, key, rest := args[0], "", args[1:]
	if strings.HasPrefix(name, "@") {
		var ok bool
		if name, key, ok = strings.Cut(name[1:], "@"); !ok {
			return "", nil, fail(exitUsage, "write NAME KEY or @NAME@KEY", "%s is no id of an entity", args[0])
		}
	} else if len(rest) > 0 {
		key, rest = rest[0], rest[1:]
	} else {
		return "", nil, fail(exitUsage, "write NAME KEY or @NAME@KEY", "the key is missing")
	}
	return "/api/v1/entities/" + segment(name) + "/" + segment(key), rest, nil
}

func entityList(t *terminal) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:     "list [NAME]",
		Short:   "List entities",
		Example: "  perdure entity list counter",
		Args:    between(0, 1, "at most one name"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			q := url.Values{"limit": {strconv.Itoa(limit)}}
			if len(args) > 0 {
				q.Set("name", args[0])
			}
			var raw json.RawMessage
			if err := s.get(c.Context(), "/api/v1/entities?"+q.Encode(), &raw); err != nil {
				return err
			}
			return list(out, raw, "no entities; perdure entity signal NAME KEY OPERATION makes one", []string{"ID", "UPDATED", "QUEUE", "LAST ERROR"}, func(e *entityRow) []string {
				return []string{e.ID, out.when(e.Updated), strconv.Itoa(e.Queue), e.Failed}
			})
		},
	}
	c.Flags().IntVar(&limit, "limit", 100, "the most entities to show, up to 1000")
	return c
}

func entityGet(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "get NAME KEY",
		Short:   "Show the state of an entity",
		Example: "  perdure entity get counter a",
		Args:    between(1, 2, "a name and a key, or @NAME@KEY"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			path, rest, err := entityPath(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return fail(exitUsage, "", "too many arguments")
			}
			var raw json.RawMessage
			if err := s.get(c.Context(), path, &raw); err != nil {
				return err
			}
			if out.format != "table" {
				return out.document(raw)
			}
			var e entityRow
			if err := decode(raw, &e); err != nil {
				return err
			}
			fields(out.out, [][2]string{{"id", e.ID}, {"updated", out.when(e.Updated)}, {"queue", strconv.Itoa(e.Queue)}, {"locked by", e.Lock},
				{"operation", e.Last}, {"error", e.Failed}, {"state", string(e.State)}})
			return nil
		},
	}
}

func entitySignal(t *terminal) *cobra.Command {
	var input, at string
	c := &cobra.Command{
		Use:     "signal NAME KEY OPERATION",
		Short:   "Send a one-way operation to an entity",
		Example: "  perdure entity signal counter a add --input 2",
		Args:    between(2, 3, "a name, a key and an operation"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			path, rest, err := entityPath(args)
			if err != nil {
				return err
			}
			if len(rest) != 1 {
				return fail(exitUsage, c.CommandPath()+" --help shows an example", "the operation is missing")
			}
			body := map[string]any{"operation": rest[0]}
			if raw, err := t.value(c.Context(), input); err != nil {
				return err
			} else if raw != nil {
				body["input"] = raw
			}
			if at != "" {
				body["at"] = at
			}
			data, err := json.Marshal(body)
			if err != nil {
				return fail(exitUsage, "", "%s", err)
			}
			var raw json.RawMessage
			if err := s.post(c.Context(), path+"/signal", data, &raw); err != nil {
				return err
			}
			if out.format != "table" {
				return out.document(raw)
			}
			out.say("sent")
			return nil
		},
	}
	c.Flags().StringVar(&input, "input", "", "input: JSON, @file or - for standard input")
	c.Flags().StringVar(&at, "at", "", "not before this time, RFC 3339")
	return c
}
