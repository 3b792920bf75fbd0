package main

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func completionCommand(t *terminal) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a script that lets a shell complete commands, ids and names",
		Long: `Print a script that lets a shell complete commands, flags, and the ids and names that the server knows.

  bash        source <(perdure completion bash)
  zsh         perdure completion zsh > "${fpath[1]}/_perdure"
  fish        perdure completion fish > ~/.config/fish/completions/perdure.fish
  powershell  perdure completion powershell | Out-String | Invoke-Expression`,
		Example:   "  perdure completion bash",
		Args:      exactly(1, "a shell: "+strings.Join(shells, ", ")),
		ValidArgs: shells,
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(t.out, true)
			case "zsh":
				return root.GenZshCompletion(t.out)
			case "fish":
				return root.GenFishCompletion(t.out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(t.out)
			}
			return fail(exitUsage, "known are "+strings.Join(shells, ", "), "no shell %s", args[0])
		},
	}
}

// completeTime is how long a completion may wait for the server.
const completeTime = 2 * time.Second

// source returns what an argument may be that begins with prefix, after the arguments
// before it. A tab parts what is told of it.
type source func(ctx context.Context, s *server, before []string, prefix string) []string

// complete lets shells complete arguments and the values of flags.
func complete(root *cobra.Command, t *terminal) {
	for path, sources := range map[string][]source{
		"run start":      {orchestrationNames},
		"run get":        {runIDs},
		"run watch":      {runIDs},
		"run wait":       {runIDs},
		"run result":     {runIDs},
		"run tree":       {runIDs},
		"run history":    {runIDs},
		"run export":     {runIDs},
		"run event":      {runIDs, eventNames},
		"run suspend":    {runIDs},
		"run resume":     {runIDs},
		"run cancel":     {runIDs},
		"run terminate":  {runIDs},
		"run restart":    {runIDs},
		"run rewind":     {runIDs},
		"run fork":       {runIDs},
		"run purge":      {runIDs},
		"open":           {runIDs},
		"inbox get":      {decisionIDs},
		"inbox approve":  {decisionIDs},
		"inbox deny":     {decisionIDs},
		"inbox answer":   {decisionIDs, answerWords},
		"agent chat":     {agentNames, sessionKeys},
		"agent send":     {agentNames, sessionKeys},
		"agent sessions": {agentNames},
		"session get":    {agentNames, sessionKeys},
		"session export": {agentNames, sessionKeys},
		"session delete": {agentNames, sessionKeys},
		"entity get":     {entityNames, entityKeys},
		"entity signal":  {entityNames, entityKeys},
		"worker get":     {workerNames},
		"worker remove":  {workerNames},
	} {
		c, _, err := root.Find(strings.Fields(path))
		if err != nil { // the table names commands that are there
			panic(err)
		}
		many := strings.Contains(c.Use, "...")
		c.ValidArgs = nil
		c.ValidArgsFunction = func(c *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
			at := len(args)
			if many {
				at = 0
			}
			if at >= len(sources) {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			s, err := connect(c, t)
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			s.patience = completeTime
			found := slices.DeleteFunc(sources[at](c.Context(), s, args, prefix), func(text string) bool { return !strings.HasPrefix(text, prefix) })
			for i := range found {
				value, about, ok := strings.Cut(found[i], "\t")
				if found[i] = value; ok {
					found[i] += "\t" + safe(about)
				}
			}
			return slices.DeleteFunc(found, func(text string) bool {
				value, _, _ := strings.Cut(text, "\t")
				return safe(value) != value // nothing that steers a terminal is typed for anybody
			}), cobra.ShellCompDirectiveNoFileComp
		}
	}
	for name, values := range map[string][]string{
		"output": {"table", "json", "jsonl"}, "time": {"relative", "local", "utc"}, "color": {"auto", "always", "never"},
	} {
		if err := root.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic(err)
		}
	}
}

// items reads a list, of which only some is shown; nothing if that fails, since nobody
// reads messages while a line is completed.
func items[T any](ctx context.Context, s *server, path string) []T {
	var page struct{ Items []T }
	if s.get(ctx, path, &page) != nil {
		return nil
	}
	return page.Items
}

// texts returns a text for each item.
func texts[T any](list []T, text func(*T) string) []string {
	var found []string
	for i := range list {
		found = append(found, text(&list[i]))
	}
	return found
}

func runIDs(ctx context.Context, s *server, _ []string, prefix string) []string {
	q := url.Values{"limit": {"50"}}
	if prefix != "" {
		q.Set("filter", "id:"+strconv.Quote(prefix)+"*")
		if !strings.ContainsAny(prefix, ` ",()*`) {
			q.Set("filter", "id:"+prefix+"*")
		}
	}
	return texts(items[row](ctx, s, "/api/v1/runs?"+q.Encode()), func(r *row) string { return r.ID + "\t" + r.Name + ", " + r.state() })
}

func eventNames(ctx context.Context, s *server, before []string, _ string) []string {
	var r row
	if s.get(ctx, runPath(before[0]), &r) != nil || r.WaitName == "" {
		return nil
	}
	return []string{r.WaitName}
}

func orchestrationNames(ctx context.Context, s *server, _ []string, _ string) []string {
	var info struct{ Orchestrations []string }
	if s.get(ctx, "/api/v1/info", &info) != nil {
		return nil
	}
	return info.Orchestrations
}

func decisionIDs(ctx context.Context, s *server, _ []string, _ string) []string {
	return texts(items[decision](ctx, s, "/api/v1/decisions?state=pending&limit=1000"), func(d *decision) string {
		return d.ID + "\t" + d.Agent + ": " + d.asks()
	})
}

func answerWords(context.Context, *server, []string, string) []string { return answerNames() }

func agentNames(ctx context.Context, s *server, _ []string, _ string) []string {
	return texts(items[agentDocument](ctx, s, "/api/v1/agents"), func(a *agentDocument) string { return a.Name + "\t" + a.Description })
}

func sessionKeys(ctx context.Context, s *server, before []string, _ string) []string {
	return texts(items[sessionDocument](ctx, s, agentPath(before[0])+"/sessions?limit=1000"), func(d *sessionDocument) string {
		return d.Key + "\t" + d.Preview
	})
}

// entities returns the parts of the ids of entities: name and key.
func entities(ctx context.Context, s *server, query string) [][2]string {
	var found [][2]string
	for _, e := range items[entityRow](ctx, s, "/api/v1/entities?limit=1000"+query) {
		if name, key, ok := strings.Cut(strings.TrimPrefix(e.ID, "@"), "@"); ok {
			found = append(found, [2]string{name, key})
		}
	}
	return found
}

func entityNames(ctx context.Context, s *server, _ []string, _ string) []string {
	names := texts(entities(ctx, s, ""), func(e *[2]string) string { return e[0] })
	slices.Sort(names)
	return slices.Compact(names)
}

func entityKeys(ctx context.Context, s *server, before []string, _ string) []string {
	return texts(entities(ctx, s, "&name="+url.QueryEscape(before[0])), func(e *[2]string) string { return e[1] })
}

func workerNames(ctx context.Context, s *server, _ []string, _ string) []string {
	return texts(items[workerDocument](ctx, s, "/api/v1/workers"), func(w *workerDocument) string { return w.Name + "\t" + w.URL })
}
