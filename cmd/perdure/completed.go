package main

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

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

// words are a source that needs no server.
func words(list ...string) source {
	return func(context.Context, *server, []string, string) []string { return list }
}

func runIDs(ctx context.Context, s *server, _ []string, prefix string) []string {
	list, _ := s.beginning(ctx, prefix, 50)
	return texts(list, func(r *row) string { return r.ID + "\t" + r.Name + ", " + r.state() })
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

func hubNames(ctx context.Context, s *server, _ []string, _ string) []string {
	return texts(items[hubDocument](ctx, s, "/api/v1/hubs"), func(h *hubDocument) string { return h.Name })
}

func executions(ctx context.Context, s *server, before []string, _ string) []string {
	if len(before) == 0 {
		return nil
	}
	type execution struct {
		Execution string `json:"execution"`
		Status    string `json:"status"`
	}
	return texts(items[execution](ctx, s, runPath(before[0], "executions")), func(e *execution) string { return e.Execution + "\t" + e.Status })
}

// audited returns a text of each of the newest entries of the audit, each once.
func audited(ctx context.Context, s *server, text func(*auditEntry) string) []string {
	found := texts(items[auditEntry](ctx, s, "/api/v1/audit?limit=1000"), text)
	slices.Sort(found)
	return slices.DeleteFunc(slices.Compact(found), func(text string) bool { return text == "" })
}

func auditTargets(ctx context.Context, s *server, _ []string, _ string) []string {
	return append(audited(ctx, s, func(e *auditEntry) string { return e.Target }), "~hub\tthe hub as a whole")
}

func auditActions(ctx context.Context, s *server, _ []string, _ string) []string {
	return audited(ctx, s, func(e *auditEntry) string { return e.Action })
}

func auditNames(ctx context.Context, s *server, _ []string, _ string) []string {
	names := append(audited(ctx, s, func(e *auditEntry) string { return e.By }), audited(ctx, s, func(e *auditEntry) string { return e.For })...)
	slices.Sort(names)
	return slices.Compact(names)
}

// filterTerms completes the last term of a filter: its field, or its value.
func filterTerms(ctx context.Context, s *server, _ []string, prefix string) []string {
	at := strings.LastIndexAny(prefix, " (") + 1
	before, term := prefix[:at], strings.TrimPrefix(prefix[at:], "-")
	before += prefix[at : len(prefix)-len(term)]
	field, value, valued := strings.Cut(term, ":")
	if comma := strings.LastIndexByte(value, ','); comma >= 0 {
		before, value = before+field+":"+value[:comma+1], value[comma+1:]
	} else if valued {
		before += field + ":"
	}
	var known struct {
		Items  []struct{ Value string }
		Fields []struct{ Name string }
	}
	q := queryOf(map[string]string{"prefix": value})
	if valued {
		q.Set("field", field)
	}
	if s.get(ctx, "/api/v1/run-facets?"+q.Encode(), &known) != nil {
		return nil
	}
	var found []string
	for _, f := range known.Fields {
		if strings.HasPrefix(f.Name, term) && f.Name != "tag." {
			found = append(found, before+f.Name+":")
		}
	}
	for _, v := range known.Items {
		if strings.ContainsAny(v.Value, ` ",()*`) {
			v.Value = strconv.Quote(v.Value)
		}
		found = append(found, before+v.Value)
	}
	return found
}
