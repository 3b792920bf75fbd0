package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"
)

func runPurge(t *terminal) *cobra.Command {
	var filter, reason string
	var dry, yes, recursive, force bool
	c := &cobra.Command{
		Use:     "purge ID...",
		Short:   "Delete runs that have ended, those named or all that match a filter",
		Example: "  perdure run purge post-1 post-2 --yes\n  perdure run purge --filter 'status:completed completed<-30d' --dry-run",
		Args:    between(0, -1, "the ids of runs"),
		RunE: func(c *cobra.Command, args []string) error {
			if (filter == "") == (len(args) == 0) {
				return fail(exitUsage, c.CommandPath()+" --help shows an example", "%s takes the ids of runs or --filter", c.CommandPath())
			}
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			if filter != "" {
				if args, err = s.ended(c.Context(), out, filter); err != nil {
					return err
				}
			}
			body, err := encode(map[string]any{"recursive": recursive, "reason": reason, "force": force})
			if err != nil {
				return err
			}
			ask := (len(args) > 1 || filter != "" && len(args) > 0) && !yes
			if ask && !dry {
				n, err := s.purge(c.Context(), out, args, body, true)
				if err == nil {
					err = t.confirm(c.Context(), "purge", n)
				}
				if err != nil {
					return err
				}
			}
			n, err := s.purge(c.Context(), out, args, body, dry)
			if n == 0 && err != nil {
				return err
			}
			if out.format != "table" {
				return errors.Join(err, out.document(map[string]any{"count": n, "dry_run": dry}))
			}
			if filter != "" && len(args) == 0 {
				out.say("no run matches that has ended")
			}
			would := ""
			if dry {
				would = "would be "
			}
			fmt.Fprintf(out.out, "%d %spurged\n", n, would)
			return err
		},
	}
	flags := c.Flags()
	flags.StringVar(&filter, "filter", "", "all runs that match, such as 'status:completed completed<-30d', and have ended")
	flags.StringVar(&reason, "reason", "", "why, for the record")
	flags.BoolVar(&dry, "dry-run", false, "only count")
	flags.BoolVar(&yes, "yes", false, "do not ask")
	flags.BoolVar(&recursive, "recursive", false, "their children too")
	flags.BoolVar(&force, "force", false, "also runs with a call whose outcome is not known: nobody will know it ever, and the audit tells who has given it up")
	return c
}

// ended returns the ids of the runs that match a filter and have ended.
func (s *server) ended(ctx context.Context, out *output, filter string) ([]string, error) {
	var parsed struct{ Parsed string } // with the times in it resolved, once
	if err := s.get(ctx, "/api/v1/runs?limit=0&"+queryOf(map[string]string{"filter": filter}).Encode(), &parsed); err != nil {
		return nil, err
	}
	const ended = "status:completed,failed,terminated,canceled"
	if filter = ended; parsed.Parsed != "" {
		filter = "(" + parsed.Parsed + ") " + ended
	}
	var ids []string
	seen := 0
	defer out.progress("")
	for cursor := ""; ; {
		q := queryOf(map[string]string{"filter": filter, "cursor": cursor, "limit": "1000"})
		var page struct {
			Items []row
			Next  string
		}
		if err := s.get(ctx, "/api/v1/runs?"+q.Encode(), &page); err != nil {
			return nil, err
		}
		for i := range page.Items {
			if r := &page.Items[i]; r.ended() {
				ids = append(ids, r.ID)
			}
		}
		seen += len(page.Items)
		out.progress("found %d", seen)
		if cursor = page.Next; cursor == "" {
			return ids, nil
		}
	}
}

// purge purges each run and returns how many instances that were; the first
// failure is the error.
func (s *server) purge(ctx context.Context, out *output, ids []string, body []byte, dry bool) (int, error) {
	total := 0
	var failed error
	query, doing := "", "purged"
	if dry {
		query, doing = "?"+url.Values{"dry_run": {"1"}}.Encode(), "counted"
	}
	defer out.progress("")
	for i, id := range ids {
		var p struct{ Count int }
		// No prefixes here: what is deleted is named in full.
		err := s.post(ctx, runPath(id, "purge")+query, body, &p)
		if err == nil && p.Count == 0 {
			err = fail(exitNotFound, "check the id; perdure run list shows what there is", "there is no run %s", id)
		}
		if ctx.Err() != nil {
			return total, fail(exitInterrupted, "the same command goes on", "interrupted after %d of %d", i, len(ids))
		}
		if err != nil {
			out.progress("")
			out.failed(id, err, len(ids) > 1)
			failed = first(failed, err)
		}
		total += p.Count
		out.progress("%s %d of %d", doing, i+1, len(ids))
	}
	return total, failed
}

// progress shows how far long work is, in place of what was shown before; "" clears
// that. It is for people: without a terminal it shows nothing.
func (o *output) progress(format string, args ...any) {
	if !o.errTTY || o.quiet {
		return
	}
	fmt.Fprintf(o.err, "\r\x1b[K"+format, args...)
}
