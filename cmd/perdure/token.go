package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/perdure/perdure/internal/access"
)

func tokenCommand(t *terminal) *cobra.Command {
	return group("token", "Make and list the tokens that a server demands", tokenNew(t), tokenList(t))
}

func tokenNew(t *terminal) *cobra.Command {
	var file, role, taskHub, name, lasts string
	c := &cobra.Command{
		Use:   "new",
		Short: "Make a token, show it once and add its hash to a file",
		Long: `Make a token, show it once and add its hash to a file.

The file is the one that perdure server --tokens names; a running server knows the
token within a second. To revoke it, take its line out of the file. Several tokens may
have the same name, so that one can be replaced while the other still holds.

Roles: reader sees, worker takes work items, contributor does everything.`,
		Example: "  perdure token new --tokens ./tokens --role worker --task-hub default --name billing --expires 90d",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := needTokens(c, file); err != nil {
				return err
			}
			e := access.Entry{Name: name, Hub: taskHub}
			if strings.ContainsFunc(name, unicode.IsSpace) || name == "" {
				return fail(exitUsage, "such as --name "+quoted(strings.Join(append(strings.Fields(name), "1"), "-")), "--name is %q: a name is one word", name)
			}
			var err error
			if e.Role, err = access.RoleOf(role); err != nil {
				return fail(exitUsage, "give one with --role", "%s", err)
			}
			if lasts != "never" {
				d, err := parseDays(lasts)
				if err != nil {
					return fail(exitUsage, "give a duration such as 90d or 12h, or never", "--expires is %s", lasts)
				}
				e.Expires = t.now().Add(d).UTC().Truncate(time.Second)
			}
			var token string
			token, e.Hash = access.NewToken()
			if _, err := access.ParseEntry(e.String()); err != nil {
				return fail(exitUsage, "", "%s", oneLine(err))
			}
			if err := appendLine(file, e.String()); err != nil {
				return fail(exitError, "", "the token was not made: %s", err)
			}
			fmt.Fprintln(t.out, token)
			if quiet, err := c.Flags().GetBool("quiet"); err != nil || !quiet {
				fmt.Fprintf(t.err, "%s; its hash is in %s. Keep the token, it is shown this once.\n", describeEntry(e), file)
			}
			return nil
		},
	}
	flags := c.Flags()
	flags.StringVar(&file, "tokens", "", "the file of tokens")
	flags.StringVar(&role, "role", "", "reader, worker or contributor")
	flags.StringVar(&taskHub, "task-hub", "default", `the task hub that it is for; "*" = all`)
	flags.StringVar(&name, "name", "unnamed", "what to call it in the file and in logs")
	flags.StringVar(&lasts, "expires", "never", "how long it holds, such as 90d or 12h")
	return c
}

func tokenList(t *terminal) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the tokens of a file; they themselves are not in it",
		Example: "  perdure token list --tokens ./tokens",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := needTokens(c, file); err != nil {
				return err
			}
			out, err := newOutput(c, t)
			if err != nil {
				return err
			}
			entries, wrong := access.ReadFile(file)
			if errors.Is(wrong, fs.ErrNotExist) {
				return fail(exitNotFound, "perdure token new --tokens "+quoted(file)+" makes the first one", "there is no file %s", file)
			}
			for _, e := range entries {
				if out.format == "table" {
					fmt.Fprintf(t.out, "%s\n", describeEntry(e))
					continue
				}
				v := struct {
					Name    string `json:"name"`
					Role    string `json:"role"`
					TaskHub string `json:"task_hub"`
					Expires string `json:"expires,omitempty"`
				}{Name: e.Name, Role: e.Role.Name, TaskHub: e.Hub}
				if !e.Expires.IsZero() {
					v.Expires = e.Expires.Format(time.RFC3339)
				}
				if err := out.document(v); err != nil {
					return err
				}
			}
			if wrong != nil {
				return fail(exitError, "a server does not start with it, and takes wrong lines for none", "%s", oneLine(wrong))
			}
			return nil
		},
	}
	c.Flags().StringVar(&file, "tokens", "", "the file of tokens")
	return c
}

// needTokens returns an error if no file is named.
func needTokens(c *cobra.Command, file string) error {
	if file == "" {
		return fail(exitUsage, c.CommandPath()+" --help shows an example", "--tokens is missing: the file of tokens")
	}
	return nil
}

// describeEntry says what a token is for.
func describeEntry(e access.Entry) string {
	hub := "task hub " + e.Hub
	if e.Hub == access.AnyHub {
		hub = "all task hubs"
	}
	until := "for ever"
	if !e.Expires.IsZero() {
		until = "until " + e.Expires.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("%s: %s of %s %s", e.Name, e.Role.Name, hub, until)
}

// parseDays reads a duration, which may be in days.
func parseDays(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		d, err := time.ParseDuration(days + "h")
		s = (24 * d).String()
		if err != nil {
			return 0, err
		}
	}
	d, err := time.ParseDuration(s)
	if err == nil && d <= 0 {
		err = fmt.Errorf("%s is no time to come", s)
	}
	return d, err
}

// appendLine adds a line to a file, which only its owner may read, and makes it
// durable.
func appendLine(name, line string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	write := func() error {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if size := info.Size(); size > 0 { // somebody's editor may have left the last line open
			last := make([]byte, 1)
			if _, err := f.ReadAt(last, size-1); err != nil {
				return err
			}
			if last[0] != '\n' {
				line = "\n" + line
			}
		}
		if _, err := f.WriteString(line + "\n"); err != nil {
			return err
		}
		return f.Sync()
	}
	if err := write(); err != nil {
		_ = f.Close() // what matters has failed
		return err
	}
	return f.Close()
}
