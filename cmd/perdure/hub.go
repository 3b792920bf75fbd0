package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

func hubCommand(t *terminal) *cobra.Command {
	c := group("hub", "List, make and delete the task hubs of a server", hubList(t), hubCreate(t), hubDelete(t))
	addServerFlag(c)
	return c
}

// hubDocument is a task hub as the server shows it.
type hubDocument struct {
	Name string `json:"name"`
}

// advised gives an error of a kind another next step.
func advised(err error, code int, next string) error {
	var f *failure
	if errors.As(err, &f) && f.code == code {
		f.next = next
	}
	return err
}

// hub writes a task hub.
func (o *output) hub(h hubDocument) error {
	if o.format == "table" {
		_, err := fmt.Fprintln(o.out, safe(h.Name))
		return err
	}
	return o.document(h)
}

func hubList(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the task hubs", Example: "  perdure hub list", Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			var list struct{ Items []hubDocument }
			if err := s.get(c.Context(), "/api/v1/hubs", &list); err != nil {
				return err
			}
			for _, h := range list.Items {
				if err := out.hub(h); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func hubCreate(t *terminal) *cobra.Command {
	var recreate, yes bool
	c := &cobra.Command{
		Use: "create NAME", Short: "Make a task hub", Example: "  perdure hub create orders", Args: exactly(1, "the name of a task hub"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			if recreate && !yes {
				if err := out.sure(c.Context(), "empty the task hub "+args[0]+", and delete all that it holds?"); err != nil {
					return err
				}
			}
			body, err := json.Marshal(map[string]any{"name": args[0], "recreate": recreate})
			if err != nil {
				return fail(exitUsage, "", "%s", err)
			}
			var h hubDocument
			if err := s.post(c.Context(), "/api/v1/hubs", body, &h); err != nil {
				return advised(err, exitConflict, "choose another name; perdure hub create "+quoted(args[0])+" --recreate empties it")
			}
			return out.hub(h)
		},
	}
	c.Flags().BoolVar(&recreate, "recreate", false, "empty it if it exists")
	c.Flags().BoolVar(&yes, "yes", false, "with --recreate: do not ask")
	return c
}

func hubDelete(t *terminal) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "delete NAME", Short: "Delete a task hub with all that it holds; default is emptied", Example: "  perdure hub delete orders --yes", Args: exactly(1, "the name of a task hub"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			if !yes {
				if err := out.sure(c.Context(), "delete the task hub "+args[0]+" with all that it holds?"); err != nil {
					return err
				}
			}
			var h hubDocument
			if err := s.do(c.Context(), http.MethodDelete, "/api/v1/hubs/"+segment(args[0]), nil, &h); err != nil {
				return advised(err, exitNotFound, "perdure hub list shows what there is")
			}
			return out.hub(h)
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}
