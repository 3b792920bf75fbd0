package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// build returns version and commit of this binary.
func build() (version, commit string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value
		}
	}
	return info.Main.Version, commit
}

// userAgent is how requests of this binary name it.
func userAgent() string {
	version, _ := build()
	return "perdure/" + strings.Trim(version, "()")
}

// versions is what version shows.
type versions struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Server  string `json:"server,omitempty"`
}

func versionCommand(t *terminal) *cobra.Command {
	var check bool
	c := &cobra.Command{
		Use:     "version",
		Short:   "Show the version, and with --check the server's",
		Example: "  perdure version --check",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			var v versions
			v.Version, v.Commit = build()
			if check {
				s, err := connect(c, t)
				if err != nil {
					return err
				}
				var info struct{ Version, Commit string }
				if err := s.get(c.Context(), "/api/v1/info", &info); err != nil {
					return err
				}
				v.Server = info.Version
			}
			out, err := newOutput(c, t)
			if err != nil {
				return err
			}
			if out.format != "table" {
				if err := out.document(v); err != nil {
					return err
				}
			} else {
				fmt.Fprintln(t.out, strings.TrimSpace("perdure "+v.Version+" "+v.Commit))
				if check {
					fmt.Fprintf(t.out, "server  %s\n", safe(v.Server))
				}
			}
			if check && v.Server != v.Version {
				return fail(exitConflict, "use the same version on both sides", "this is %s, the server %s", v.Version, v.Server)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&check, "check", false, "compare with the server")
	addServerFlag(c)
	return c
}
