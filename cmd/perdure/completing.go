package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completeTime is how long a completion may wait for the server.
const completeTime = 2 * time.Second

// source returns what an argument may be that begins with prefix, after the arguments
// before it. A tab parts what is told of it.
type source func(ctx context.Context, s *server, before []string, prefix string) []string

// argumentSources are what the arguments of commands may be, by their place; the last
// stands for all that follow where there may be many.
func argumentSources() map[string][]source {
	run, session, entity := []source{runIDs}, []source{agentNames, sessionKeys}, []source{entityNames, entityKeys}
	return map[string][]source{
		"run start": {orchestrationNames}, "run get": run, "run watch": run, "run wait": run, "run result": run, "run tree": run, "run history": run, "run logs": run,
		"run export": run, "run event": {runIDs, eventNames}, "run suspend": run, "run resume": run, "run cancel": run, "run terminate": run, "run restart": run,
		"run rewind": run, "run fork": run, "run purge": run, "open": run,
		"inbox get": {decisionIDs}, "inbox approve": {decisionIDs}, "inbox deny": {decisionIDs}, "inbox answer": {decisionIDs, words(answerNames()...)},
		"agent chat": session, "agent send": session, "agent sessions": {agentNames},
		"session get": session, "session export": session, "session delete": session,
		"entity list": {entityNames}, "entity get": entity, "entity signal": entity,
		"worker get": {workerNames}, "worker remove": {workerNames},
		"hub delete": {hubNames}, "api": {words("GET", "POST", "DELETE")},
	}
}

// flagSources are what the values of flags may be; "COMMAND FLAG" goes before "FLAG".
func flagSources() map[string]source {
	return map[string]source{
		"output": words("table", "json", "jsonl"), "time": words("relative", "local", "utc"), "color": words("auto", "always", "never"),
		"sort":      words("-created", "created", "-completed", "completed", "id", "name", "-name", "duration", "-duration"),
		"id-policy": words("reject", "get", "replace_ended", "replace_failed"), "level": words("debug", "info", "warn", "error"),
		"state": words("pending", "answered", "expired", "superseded"), "kind": words("approval", "outcome-unknown", "budget", "restore-hold"),
		"role": words("reader", "worker", "contributor"), "store": words("pebble", "memory"), "remote": words("own", "protocol"),
		"filter": filterTerms, "run": runIDs, "task-hub": hubNames, "execution": executions,
		"audit list target": auditTargets, "audit list by": auditNames, "audit list action": auditActions,
		"audit list from": words("-1h", "-24h", "-7d"), "audit list to": words("-1h", "-24h", "-7d"),
		"orchestration": orchestrationNames, "entity": entityNames,
	}
}

// free are flags of which nobody knows values, which are no names of files either.
var free = []string{"id", "tag", "version", "start-at", "reason", "comment", "limit", "timeout", "wait", "cursor", "to", "set", "fail", "at", "name", "expires",
	"args-hash", "step", "assignee", "force", "places", "silence", "activity", "retention", "link", "listen", "addr", "advertise", "host", "webhook", "push-allow",
	"time-scale", "count", "for", "in-flight", "sessions", "rate", "steps", "payload", "nodes", "per", "pace"}

// complete lets shells complete arguments and the values of flags.
func complete(root *cobra.Command, t *terminal) {
	arguments, flags := argumentSources(), flagSources()
	for _, name := range free {
		flags[name] = nil
	}
	takesFiles := map[string]bool{"backup": true, "restore": true, "dev": true}
	found := 0
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		path := strings.TrimPrefix(c.CommandPath(), "perdure ")
		sources, known := arguments[path]
		if known {
			found++
		}
		if c.Runnable() && !c.HasSubCommands() && c.ValidArgs == nil && !takesFiles[path] {
			c.ValidArgsFunction = t.arguments(sources)
		}
		for key := range flags {
			name := strings.TrimPrefix(key, path+" ")
			from, own := flags[path+" "+name]
			if !own {
				from = flags[name]
			}
			if c.LocalFlags().Lookup(name) != nil {
				_ = c.RegisterFlagCompletionFunc(name, t.completing(from)) // a flag of a parent has one already
			}
		}
		for _, child := range c.Commands() {
			visit(child)
		}
	}
	visit(root)
	if found != len(arguments) { // the table names commands that are there
		panic("the completion of a command that is not there")
	}
}

// arguments completes arguments by their place.
func (t *terminal) arguments(sources []source) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		at := len(args)
		if strings.Contains(c.Use, "...") {
			at = 0
		}
		if at >= len(sources) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return t.completing(sources[at])(c, args, prefix)
	}
}

// completing completes from a source, nil = with nothing, not even names of files.
func (t *terminal) completing(from source) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if from == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		s := new(server) // of no use to words, which need none
		if flag := c.Flags().Lookup("token-file"); flag != nil {
			var err error
			if s, err = connect(c, t); err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			s.patience = completeTime
		}
		var found []string
		partly := false
		for _, text := range from(c.Context(), s, args, prefix) {
			value, about, told := strings.Cut(text, "\t")
			if !strings.HasPrefix(value, prefix) || safe(value) != value { // nothing that steers a terminal is typed for anybody
				continue
			}
			partly = partly || strings.HasSuffix(value, ":") // of a filter, whose value follows
			if told {
				value += "\t" + safe(about)
			}
			found = append(found, value)
		}
		if partly {
			return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		}
		return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}
