package main

import (
	"fmt"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"
)

func openCommand(t *terminal) *cobra.Command {
	var show bool
	c := &cobra.Command{
		Use:     "open [ID]",
		Short:   "Open the dashboard in a browser, at a run if one is named",
		Example: "  perdure open post-1\n  perdure open --print",
		Args:    between(0, 1, "at most the id of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			visit := func(path string) error {
				if _, err := fmt.Fprintln(out.out, safe(s.url+path)); err != nil || show || !out.outTTY {
					return err
				}
				return browse(s.url + path)
			}
			if len(args) == 0 {
				return visit("/")
			}
			return s.withID(c.Context(), out, args[0], func(id string) error {
				var r row
				if err := s.get(c.Context(), runPath(id), &r); err != nil {
					return err
				}
				return visit("/runs/" + segment(id))
			})
		},
	}
	c.Flags().BoolVar(&show, "print", false, "only print the address")
	addServerFlag(c)
	return c
}

// browse opens an address in the browser of whoever sits at the machine.
func browse(url string) error {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	if err := exec.Command(name, args...).Run(); err != nil {
		return fail(exitError, "open "+url+" by hand", "no browser could be opened: %v", err)
	}
	return nil
}
