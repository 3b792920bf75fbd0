package storetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/perdure/perdure/store"
)

// model is what a store should hold, in plain maps. Its keys are readable, and
// their order means nothing.
type model struct {
	records  map[string]*store.Record
	chunks   map[string]string // "id seq"
	messages map[string]string // "target number"
	timers   map[string]string // "owner task"
	rows     map[string]store.Row
}

func newModel() *model {
	return &model{
		records: map[string]*store.Record{}, chunks: map[string]string{}, messages: map[string]string{},
		timers: map[string]string{}, rows: map[string]store.Row{},
	}
}

func (m *model) clone() *model {
	return &model{
		records: maps.Clone(m.records), chunks: maps.Clone(m.chunks), messages: maps.Clone(m.messages),
		timers: maps.Clone(m.timers), rows: maps.Clone(m.rows),
	}
}

func (m *model) version(id string) uint64 {
	if r := m.records[id]; r != nil {
		return r.Version
	}
	return 0
}

// apply changes the model by a commit and reports whether it applies.
func (m *model) apply(c *store.Commit) bool {
	if m.version(c.ID) != c.Expect {
		return false
	}
	if c.Purge || c.Replace {
		m.purge(c.ID)
	}
	if c.Fold != nil {
		maps.DeleteFunc(m.chunks, func(name, _ string) bool { return strings.HasPrefix(name, c.ID+" ") })
		maps.DeleteFunc(m.rows, func(_ string, r store.Row) bool {
			return r.Owner == c.ID && !r.Keep && slices.Contains(c.Fold.Rows, r.Kind)
		})
	}
	for _, id := range c.Consume {
		delete(m.messages, messageName(c.ID, id))
	}
	for _, msg := range c.Emit {
		name := messageName(msg.Target, msg.ID)
		if _, there := m.messages[name]; !there {
			m.messages[name] = string(msg.Data)
		}
	}
	for _, t := range c.Timers {
		name := fmt.Sprintf("%s %d", c.ID, t.Timer.Task)
		delete(m.timers, name)
		if !t.Delete {
			m.timers[name] = string(t.Timer.Data)
		}
	}
	for _, r := range c.Rows {
		name := rowName(&r)
		delete(m.rows, name)
		if !r.Delete {
			m.rows[name] = r
		}
	}
	if c.Record != nil {
		m.records[c.ID] = c.Record
		if len(c.Chunk) > 0 {
			m.chunks[fmt.Sprintf("%s %d", c.ID, c.Record.Version)] = string(c.Chunk)
		}
	}
	return true
}

func (m *model) purge(id string) {
	mine := func(name, _ string) bool { return strings.HasPrefix(name, id+" ") }
	delete(m.records, id)
	maps.DeleteFunc(m.chunks, mine)
	maps.DeleteFunc(m.timers, mine)
	maps.DeleteFunc(m.rows, func(_ string, r store.Row) bool { return r.Owner == id && !r.Keep })
}

func messageName(target string, id store.MessageID) string {
	return fmt.Sprintf("%s %d", target, id.Version)
}

func rowName(r *store.Row) string { return fmt.Sprintf("%s %s", r.Owner, r.Key) }

// dump is the whole state as text, one line for each thing, sorted.
func (m *model) dump() string {
	var lines []string
	add := func(kind, name string, value any) { lines = append(lines, fmt.Sprintf("%s %s: %v", kind, name, value)) }
	counts := map[string]int{}
	for id, r := range m.records {
		add("record", id, recordText(r))
		counts[countName(r.Name, r.Status, r.Phase)]++
	}
	for name, data := range m.chunks {
		add("chunk", name, data)
	}
	for name, data := range m.messages {
		add("message", name, data)
	}
	for name, data := range m.timers {
		add("timer", name, data)
	}
	for name, r := range m.rows {
		add("row", name, rowText(&r))
		if r.Index[0] != nil {
			add("index", string(r.Index[0])+" "+name, rowText(&r))
		}
	}
	for name, n := range counts {
		add("count", name, n)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func recordText(r *store.Record) string {
	return fmt.Sprintf("%x %d %s %d %d %v %v %s", r.Incarnation[:2], r.Version, r.Name, r.Status, r.Phase, r.Work, r.Completed.UnixMicro(), r.Packed)
}

func rowText(r *store.Row) string {
	return fmt.Sprintf("%s %s %v", r.Value, r.Index[0], r.Keep)
}

func countName(name string, s store.Status, p store.Phase) string {
	return fmt.Sprintf("%s %d %d", name, s, p)
}

// dump reads the same text from a store.
func (s *session) dump(ids []string) (string, error) {
	var lines []string
	add := func(kind, name string, value any) { lines = append(lines, fmt.Sprintf("%s %s: %v", kind, name, value)) }
	for _, o := range []store.Order{store.IDAsc, store.CreatedDesc} {
		page, err := s.store.List(s.ctx, store.Query{Order: o, Limit: 1000})
		if err != nil {
			return "", err
		}
		for _, r := range page.Records {
			if o == store.IDAsc {
				add("record", r.ID, recordText(r))
			} else if !slices.Contains(lines, fmt.Sprintf("record %s: %s", r.ID, recordText(r))) {
				add("listed by time only", r.ID, recordText(r))
			}
		}
	}
	for _, id := range ids {
		chunks, err := s.store.History(s.ctx, id, mainBranch, 0, 0)
		if err != nil {
			return "", err
		}
		for _, c := range chunks {
			add("chunk", fmt.Sprintf("%s %d", id, c.Seq), string(c.Data))
		}
		messages, err := s.store.MessagesOf(s.ctx, id)
		if err != nil {
			return "", err
		}
		for _, m := range messages {
			add("message", messageName(id, m.ID), string(m.Data))
		}
		timers, err := s.store.TimersOf(s.ctx, id)
		if err != nil {
			return "", err
		}
		for _, t := range timers {
			add("timer", fmt.Sprintf("%s %d", id, t.Task), string(t.Data))
		}
		if err := s.dumpRows(id, "row", add); err != nil {
			return "", err
		}
	}
	if err := s.dumpRows("", "index", add); err != nil {
		return "", err
	}
	counts, err := s.store.Counts(s.ctx)
	if err != nil {
		return "", err
	}
	for _, c := range counts {
		add("count", countName(c.Name, c.Status, c.Phase), c.N)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), nil
}

func (s *session) dumpRows(owner, kind string, add func(kind, name string, value any)) error {
	rows, _, err := s.store.Rows(s.ctx, store.RowQuery{Kind: 7, Owner: owner})
	for _, r := range rows {
		name := rowName(&r)
		if owner == "" {
			name = string(r.Index[0]) + " " + name
		}
		add(kind, name, rowText(&r))
	}
	return err
}
