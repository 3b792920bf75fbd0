package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func workerCommand(t *terminal) *cobra.Command {
	c := group("worker", "List, register and remove the workers that a hub calls by URL", workerList(t), workerGet(t), workerAdd(t), workerRemove(t))
	addServerFlag(c)
	return c
}

// workerDocument is a worker as the server shows it.
type workerDocument struct {
	Name           string     `json:"name"`
	URL            string     `json:"url"`
	Secret         string     `json:"secret,omitempty"`
	Orchestrations []string   `json:"orchestrations"`
	Activities     []string   `json:"activities"`
	Entities       []string   `json:"entities"`
	Places         int        `json:"places"`
	SilenceSeconds int        `json:"silence_seconds"`
	Created        time.Time  `json:"created"`
	Running        int        `json:"running"`
	Cause          string     `json:"cause,omitempty"`
	Until          *time.Time `json:"until,omitempty"`
}

// workers writes workers.
func (o *output) workers(list ...workerDocument) error {
	if o.format != "table" {
		for _, w := range list {
			if err := o.document(w); err != nil {
				return err
			}
		}
		return nil
	}
	var rows [][]string
	for _, w := range list {
		state := "ready"
		if w.Cause != "" {
			state = "left alone: " + w.Cause
		}
		takes := strings.Join(append(append(append([]string(nil), w.Orchestrations...), w.Activities...), w.Entities...), " ")
		rows = append(rows, []string{w.Name, strconv.Itoa(w.Running), w.URL, takes, state})
	}
	o.table([]string{"NAME", "RUNNING", "URL", "TAKES", "STATE"}, rows)
	return nil
}

func workerList(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the workers and how they are", Example: "  perdure worker list", Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			var list struct{ Items []workerDocument }
			if err := s.get(c.Context(), "/api/v1/workers", &list); err != nil {
				return err
			}
			if len(list.Items) == 0 && out.format == "table" {
				out.say("no workers are called by URL; perdure worker add registers one")
				return nil
			}
			return out.workers(list.Items...)
		},
	}
}

func workerGet(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "get NAME", Short: "Show a worker", Example: "  perdure worker get orders", Args: exactly(1, "the name of a worker"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			var w workerDocument
			if err := s.get(c.Context(), "/api/v1/workers/"+segment(args[0]), &w); err != nil {
				return err
			}
			return out.workers(w)
		},
	}
}

func workerAdd(t *terminal) *cobra.Command {
	var orchestrations, activities, entities []string
	var secretFile string
	var places int
	var silence time.Duration
	c := &cobra.Command{
		Use: "add NAME URL", Short: "Register a worker that is called when there is work for it, in place of one of its name",
		Long: `Register a worker that is called when there is work for it, in place of one of its name.

The requests are signed with the secret in --secret-file, or in the environment variable
PERDURE_PUSH_SECRET; without one a new secret is made and shown, once. Without names the
worker is asked what it takes, so it has to run with the secret already.`,
		Example: "  perdure worker add orders https://orders.example.com/perdure --secret-file ./secret",
		Args:    exactly(2, "a name and a URL"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			secret := t.getenv("PERDURE_PUSH_SECRET")
			if secretFile != "" {
				data, err := os.ReadFile(secretFile)
				if err != nil {
					return fail(exitUsage, "", "the secret cannot be read: %s", err)
				}
				secret = string(data)
			}
			body, err := json.Marshal(map[string]any{
				"name": args[0], "url": args[1], "secret": strings.TrimSpace(secret), "orchestrations": orchestrations, "activities": activities,
				"entities": entities, "places": places, "silence_seconds": int(silence / time.Second),
			})
			if err != nil {
				return fail(exitUsage, "", "%s", err)
			}
			var w workerDocument
			if err := s.post(c.Context(), "/api/v1/workers", body, &w); err != nil {
				return err
			}
			if w.Secret != "" {
				out.say("its secret, which is not shown again: %s", w.Secret)
			}
			return out.workers(w)
		},
	}
	flags := c.Flags()
	flags.StringSliceVar(&orchestrations, "orchestration", nil, "names of orchestrations that it takes")
	flags.StringSliceVar(&activities, "activity", nil, "names of activities that it takes")
	flags.StringSliceVar(&entities, "entity", nil, "names of entities that it takes")
	flags.StringVar(&secretFile, "secret-file", "", "a file with the secret that signs the requests (or the secret in env PERDURE_PUSH_SECRET)")
	flags.IntVar(&places, "places", 0, "how many items of a kind it is sent at a time (default 10)")
	flags.DurationVar(&silence, "silence", 0, "how long it may say nothing while it does an item (default 5m)")
	return c
}

func workerRemove(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Have a worker not be called any more; others get its work", Example: "  perdure worker remove orders",
		Args: exactly(1, "the name of a worker"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			var done json.RawMessage
			if err := s.do(c.Context(), http.MethodDelete, "/api/v1/workers/"+segment(args[0]), nil, &done); err != nil {
				return err
			}
			if out.format == "table" {
				out.say("%s is not called any more", safe(args[0]))
				return nil
			}
			return out.document(done)
		},
	}
}
