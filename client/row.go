package client

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/internal/filter"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// statusNames and phaseNames are the numbers of the names that filters know.
func statusNames() map[string]store.Status {
	return byName(StatusName, store.Pending, store.Running, store.Suspended, store.Completed, store.Failed, store.Terminated, store.Canceled)
}

func phaseNames() map[string]store.Phase {
	return byName(PhaseName, store.Stuck, store.WaitingApproval, store.Retrying, store.Active, store.WaitingEvent, store.WaitingTimer)
}

func byName[N any](name func(N) string, all ...N) map[string]N {
	names := make(map[string]N, len(all))
	for _, n := range all {
		names[name(n)] = n
	}
	return names
}

// StatusName returns the name of a status in lists and filters.
func StatusName(s store.Status) string { return history.Status(s).String() }

// PhaseName returns the name of a phase in lists and filters, "" for none.
func PhaseName(p store.Phase) string {
	switch p {
	case store.Stuck:
		return "stuck"
	case store.WaitingApproval:
		return "waiting_approval"
	case store.Retrying:
		return "retrying"
	case store.Active:
		return "active"
	case store.WaitingEvent:
		return "waiting_event"
	case store.WaitingTimer:
		return "waiting_timer"
	}
	return ""
}

// numbers returns the numbers of the names, which are known.
func numbers[N any](values []filter.Operand, names map[string]N) []N {
	var ns []N
	for _, v := range values {
		ns = append(ns, names[v.Text])
	}
	return ns
}

// isColumn reports whether the store's record alone answers a field.
func isColumn(field string) bool {
	switch field {
	case "id", "name", "version", "status", "phase", "created", "completed", "agent", "session", "parent", "root", filter.Word:
		return true
	}
	_, tag := cutTag(field)
	return tag
}

func cutTag(field string) (key string, ok bool) { return strings.CutPrefix(field, filter.TagPrefix) }

// recordRow is a record as filters see it.
type recordRow struct{ r *store.Record }

// Field implements filter.Row.
func (w recordRow) Field(name string) []filter.Value {
	switch name {
	case "id":
		return textValue(w.r.ID)
	case "name":
		return textValue(w.r.Name)
	case "version":
		return textValue(w.r.Release)
	case "status":
		return textValue(StatusName(w.r.Status))
	case "phase":
		return textValue(PhaseName(w.r.Phase))
	case "created":
		return timeValue(w.r.Created)
	case "completed":
		return timeValue(w.r.Completed)
	case "agent":
		return textValue(w.r.Agent)
	case "session":
		return textValue(w.r.Session)
	case "parent":
		return textValue(w.r.Parent)
	case "root":
		return textValue(w.r.Root)
	}
	if key, ok := cutTag(name); ok {
		if v, ok := w.r.Tags[key]; ok {
			return []filter.Value{{Text: v}}
		}
	}
	return nil
}

// instanceRow is an instance as filters see it.
type instanceRow struct{ i *hub.Instance }

// Field implements filter.Row.
func (w instanceRow) Field(name string) []filter.Value {
	i := w.i
	switch name {
	case "updated":
		return timeValue(i.Updated)
	case "duration":
		if i.Record.Completed.IsZero() {
			return nil
		}
		begin := i.Started
		if begin.IsZero() {
			begin = i.Created
		}
		return []filter.Value{{Number: int64(i.Record.Completed.Sub(begin))}}
	case "attempt":
		if i.Attempt == 0 {
			return nil
		}
		return []filter.Value{{Number: int64(i.Attempt)}}
	case "error":
		if i.Failure != nil {
			return textValue(i.Failure.Message)
		}
		return nil
	case "code":
		if i.Failure != nil {
			return textValue(i.Failure.Type)
		}
		return nil
	case "forked_from":
		return textValue(i.Forked.Run)
	case "worker":
		return textValue(i.Worker)
	case "model":
		return textValue(i.Spent().Model)
	case "step":
		return textValue(i.Step)
	case "tokens":
		u := i.Spent()
		return numberValue(u.In + u.Out)
	case "cost":
		return numberValue((i.Spent().Nano + 999) / 1000) // as it is shown: what costs something is not free
	case "fingerprint":
		return textValue(Fingerprint(i.Failure))
	case "has":
		return has(i)
	}
	return recordRow{&i.Record}.Field(name)
}

// FieldOf returns the texts that a run has of a field of filters; of "tag." the keys of
// its tags.
func FieldOf(i *hub.Instance, field string) []string {
	if field == filter.TagPrefix {
		return slices.Sorted(maps.Keys(i.Tags))
	}
	var texts []string
	for _, v := range (instanceRow{i}).Field(field) {
		texts = append(texts, v.Text)
	}
	return texts
}

// has returns what has: finds.
func has(i *hub.Instance) []filter.Value {
	var found []filter.Value
	for name, yes := range map[string]bool{
		"decision": i.Phase == store.WaitingApproval,
		"error":    i.Failure != nil,
		"child":    i.Pending.Children > 0,
		"session":  i.Session != "",
	} {
		if yes {
			found = append(found, filter.Value{Text: name})
		}
	}
	return found
}

func textValue(s string) []filter.Value {
	if s == "" {
		return nil
	}
	return []filter.Value{{Text: s}}
}

func numberValue(n int64) []filter.Value {
	if n == 0 {
		return nil
	}
	return []filter.Value{{Number: n}}
}

func timeValue(t time.Time) []filter.Value {
	if t.IsZero() {
		return nil
	}
	return []filter.Value{{Time: t}}
}
