package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// auditEntry is what commands read of an entry of the audit.
type auditEntry struct {
	At     *time.Time `json:"at"`
	By     string     `json:"by"`
	For    string     `json:"for"`
	From   string     `json:"from"`
	Action string     `json:"action"`
	Target string     `json:"target"`
	Reason string     `json:"reason"`
	// GivenUp are calls without a known outcome that went with a run.
	GivenUp []string `json:"given_up"`
}

func auditCommand(t *terminal) *cobra.Command {
	c := group("audit", "See who has changed what, and check that nobody has changed that account", auditList(t), auditVerify(t))
	addServerFlag(c)
	return c
}

func auditList(t *terminal) *cobra.Command {
	var target, by, action, from, to string
	var limit int
	c := &cobra.Command{
		Use:     "list",
		Short:   "List who has changed what, newest first",
		Example: "  perdure audit list --target post-1\n  perdure audit list --by ann --action terminate --from -24h",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			q := queryOf(map[string]string{"target": target, "by": by, "action": action, "from": from, "to": to})
			q.Set("limit", strconv.Itoa(limit))
			var raw json.RawMessage
			if err := s.get(c.Context(), "/api/v1/audit?"+q.Encode(), &raw); err != nil {
				return err
			}
			return list(out, raw, "nobody has changed anything", []string{"WHEN", "WHO", "ACTION", "TARGET", "FROM", "REASON"}, func(e *auditEntry) []string {
				who := e.By
				if e.For != "" {
					who += " for " + e.For
				}
				reason := e.Reason
				if n := len(e.GivenUp); n > 0 {
					reason = strings.TrimSpace(fmt.Sprintf("%s (gave up %d calls whose outcome is not known)", reason, n))
				}
				return []string{out.when(e.At), who, e.Action, e.Target, e.From, reason}
			})
		},
	}
	flags := c.Flags()
	flags.StringVar(&target, "target", "", "only what was done to this run or entity; ~hub = to the hub as a whole")
	flags.StringVar(&by, "by", "", "only by the bearer of this token, or in this name")
	flags.StringVar(&action, "action", "", "only this, such as terminate")
	flags.StringVar(&from, "from", "", "only since this time, or for so long, such as -24h")
	flags.StringVar(&to, "to", "", "only before this time, as --from")
	flags.IntVar(&limit, "limit", 100, "the most entries to show, up to 1000")
	return c
}

// auditReport is what commands read of a check.
type auditReport struct {
	Whole    bool       `json:"whole"`
	Entries  int        `json:"entries"`
	Chains   int        `json:"chains"`
	Oldest   *time.Time `json:"oldest"`
	Wrong    int        `json:"wrong"`
	Compared bool       `json:"compared"`
	Heads    string     `json:"heads"`
	First    []struct {
		Shard  int        `json:"shard"`
		Number uint64     `json:"number"`
		Target string     `json:"target"`
		At     *time.Time `json:"at"`
		Why    string     `json:"why"`
	} `json:"first"`
}

func auditVerify(t *terminal) *cobra.Command {
	var save, against string
	var force bool
	c := &cobra.Command{
		Use:   "verify",
		Short: "Check that no entry of the audit was changed, moved or removed",
		Long: `Check that no entry of the audit was changed, moved or removed. The entries form chains, in which each has
the hash of the one before it. Whoever can write to the store can make the whole end of a chain anew: to
notice that too, keep what --save writes in another place, and hold a later check against it.`,
		Example: "  perdure audit verify\n  perdure audit verify --save monday.audit\n  perdure audit verify --against monday.audit",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			q := url.Values{}
			if against != "" {
				noted, err := os.ReadFile(against)
				if err != nil {
					return fail(exitUsage, "give a file that --save has written", "%s", err)
				}
				q.Set("heads", strings.TrimSpace(string(noted)))
			}
			raw, err := s.verifyAudit(c.Context(), out, q)
			if err != nil {
				return err
			}
			var r auditReport
			if err := decode(raw, &r); err != nil {
				return err
			}
			if save != "" && r.Whole {
				err := t.writeFile(save, force, func(w io.Writer) error {
					_, err := fmt.Fprintln(w, r.Heads)
					return err
				})
				if err != nil {
					return err
				}
				defer out.say("where the chains end is noted in %s; keep it in another place", save)
			}
			return out.auditReport(raw, &r)
		},
	}
	flags := c.Flags()
	flags.StringVar(&save, "save", "", "if nothing is wrong, write to this file where the chains end")
	flags.StringVar(&against, "against", "", "a file that --save has written: the chains must go on from there")
	flags.BoolVar(&force, "force", false, "replace the file of --save if there is one")
	return c
}

// verifyAudit has the server check, and shows how far it is.
func (s *server) verifyAudit(ctx context.Context, out *output, q url.Values) (report json.RawMessage, err error) {
	s.header.Set("Accept", "text/event-stream")
	defer s.header.Del("Accept")
	defer out.progress("")
	err = s.events(ctx, func() string { return "/api/v1/audit/verify?" + q.Encode() }, func(e event) (bool, error) {
		switch e.kind {
		case "progress":
			var p struct{ Entries int }
			if err := decode(e.data, &p); err != nil {
				return true, err
			}
			out.progress("checked %d entries", p.Entries)
		case "done":
			report = e.data
			return true, nil
		case "error":
			var p struct{ Status int }
			if err := decode(e.data, &p); err != nil {
				return true, err
			}
			return true, refused(p.Status, e.data)
		}
		return false, nil
	})
	return report, err
}

// auditReport shows what a check has found. Entries that do not fit are an error.
func (o *output) auditReport(raw json.RawMessage, r *auditReport) error {
	if o.format != "table" {
		if err := o.document(raw); err != nil {
			return err
		}
	} else if len(r.First) > 0 {
		var rows [][]string
		for _, w := range r.First {
			rows = append(rows, []string{fmt.Sprintf("%d/%d", w.Shard, w.Number), w.Target, o.when(w.At), w.Why})
		}
		o.table([]string{"ENTRY", "TARGET", "WHEN", "WHAT IS WRONG"}, rows)
	}
	if !r.Whole {
		return fail(exitError, "perdure audit list --target ID shows the entries of an instance", "%d of %d entries do not fit", r.Wrong, r.Entries)
	}
	if o.format == "table" {
		since := ""
		if r.Oldest != nil {
			since = ", the oldest of " + o.when(r.Oldest)
		}
		compared := ""
		if r.Compared {
			compared = "; they go on from what was noted"
		}
		fmt.Fprintf(o.out, "the audit is whole: %d entries in %d chains%s%s\n", r.Entries, r.Chains, since, compared)
	}
	return nil
}
