package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func sessionCommand(t *terminal) *cobra.Command {
	c := group("session", "Show, export and delete sessions of agents", sessionGet(t), sessionExport(t), sessionDelete(t))
	addServerFlag(c)
	return c
}

func sessionGet(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "get AGENT KEY",
		Short:   "Show a session",
		Example: "  perdure session get Joker bob",
		Args:    exactly(2, "the name of an agent and the key of a session"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			var raw json.RawMessage
			if err := s.get(c.Context(), sessionPath(args[0], args[1]), &raw); err != nil {
				return err
			}
			if out.format != "table" {
				return out.document(raw)
			}
			var d sessionDocument
			if err := decode(raw, &d); err != nil {
				return err
			}
			fields(out.out, [][2]string{{"agent", d.Agent}, {"key", d.Key}, {"state", strings.ReplaceAll(d.State, "_", " ")}, {"running", d.Running},
				{"messages", strconv.FormatInt(d.Messages, 10)}, {"turns", strconv.FormatInt(d.Turns, 10)}, {"tokens", count(d.Tokens.Total)},
				{"cost", costText(d.USD)}, {"created", out.when(d.Created)}, {"updated", out.when(d.Updated)}, {"said last", d.Preview}})
			return nil
		},
	}
}

func sessionExport(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "export AGENT KEY",
		Short:   "Write a session with all its messages as JSON",
		Example: "  perdure session export Joker bob -o json",
		Args:    exactly(2, "the name of an agent and the key of a session"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			var raw json.RawMessage
			if err := s.get(c.Context(), sessionPath(args[0], args[1])+"/export", &raw); err != nil {
				return err
			}
			if out.format == "table" {
				out.format = "json" // a document is no table
			}
			return out.document(raw)
		},
	}
}

func sessionDelete(t *terminal) *cobra.Command {
	var yes bool
	var force string
	c := &cobra.Command{
		Use:     "delete AGENT KEY",
		Short:   "Delete a session with all that was said in it",
		Example: "  perdure session delete Joker bob --yes",
		Args:    exactly(2, "the name of an agent and the key of a session"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			if !yes {
				if err := out.sure(c.Context(), "delete the session "+args[1]+" of "+args[0]+" with all that was said in it?"); err != nil {
					return err
				}
			}
			path := sessionPath(args[0], args[1])
			if force != "" {
				path += "?force=" + url.QueryEscape(force)
			}
			var raw json.RawMessage
			if err := s.do(c.Context(), http.MethodDelete, path, nil, &raw); err != nil {
				return err
			}
			if out.format != "table" {
				return out.document(raw)
			}
			_, err = fmt.Fprintf(out.out, "%s  deleted\n", safe(args[1]))
			return err
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().StringVar(&force, "force", "", "your name: delete it although the outcome of a call in it is not known")
	return c
}
