package httpapi

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Bounds of the search for questions of children.
const (
	maxNesting  = 8
	maxChildren = 1000
	// nestedMark separates the parts of the id of a child's question.
	nestedMark = "~"
)

// questions are the questions of a run and of its children: of the first ones, if
// there are very many.
func (a *API) questions(ctx context.Context, i *hub.Instance) ([]question, error) {
	s := survey{API: a, left: maxChildren}
	err := s.visit(ctx, i, "", 0)
	return s.found, err
}

// survey collects the questions of a run.
type survey struct {
	*API
	found []question
	left  int // children that may still be looked at
}

// visit looks at a run whose questions have ids that begin with prefix.
func (s *survey) visit(ctx context.Context, i *hub.Instance, prefix string, depth int) error {
	for _, q := range s.ownQuestions(i) {
		q.ID = prefix + q.ID
		s.found = append(s.found, q)
	}
	if depth == maxNesting {
		return nil
	}
	children, err := s.children(ctx, i)
	if err != nil {
		return err
	}
	for _, c := range children {
		if s.left--; s.left < 0 {
			return nil
		}
		child, err := s.childRun(ctx, i, c.id)
		if err != nil {
			return err
		}
		if child == nil {
			continue
		}
		if err := s.visit(ctx, child, prefix+c.executor+nestedMark+strconv.Itoa(c.ordinal)+nestedMark, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// child is a child run that may ask something.
type child struct {
	executor string // who runs it: its orchestration, or what the status says
	ordinal  int    // among those of the executor
	id       string
}

// children lists the children of a run that has not ended: those of which its
// custom status tells, else those that it has begun and that are not agents'
// turns.
func (a *API) children(ctx context.Context, i *hub.Instance) ([]child, error) {
	if i.Status.Terminal() {
		return nil, nil
	}
	if status, _ := statusOf(i); len(status.Children) > 0 {
		return status.childrenOf(), nil
	}
	if i.Pending.Children == 0 {
		return nil, nil
	}
	events, err := a.Hub.History(ctx, i.ID, "")
	if err != nil {
		return nil, err
	}
	begun, ended := map[string]int{}, map[int32]bool{}
	for _, e := range events {
		switch b := e.Body.(type) {
		case *history.SubOrchestrationInstanceCompleted:
			ended[b.TaskScheduledID] = true
		case *history.SubOrchestrationInstanceFailed:
			ended[b.TaskScheduledID] = true
		}
	}
	var list []child
	for _, e := range events {
		b, ok := e.Body.(*history.SubOrchestrationInstanceCreated)
		if !ok || strings.HasPrefix(b.Name, reserved) || strings.Contains(b.Name, nestedMark) {
			continue
		}
		if !ended[e.ID] {
			list = append(list, child{b.Name, begun[b.Name], b.InstanceID})
		}
		begun[b.Name]++
	}
	return list, nil
}

// childrenOf are the children of which a custom status tells: per executor a
// list of ids, or ids by their ordinals.
func (s *workflowStatus) childrenOf() []child {
	var list []child
	for _, executor := range slices.Sorted(maps.Keys(s.Children)) {
		var ids []string
		var numbered map[string]string
		if strings.Contains(executor, nestedMark) {
			continue // its questions could not be told from others
		}
		if json.Unmarshal(s.Children[executor], &ids) == nil {
			for n, id := range ids {
				list = append(list, child{executor, n, id})
			}
			continue
		}
		if json.Unmarshal(s.Children[executor], &numbered) != nil {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(numbered)) {
			if n, err := strconv.Atoi(key); err == nil && n >= 0 {
				list = append(list, child{executor, n, numbered[key]})
			}
		}
	}
	return list
}

// childRun returns a child that has not ended; nil if there is none such, or if
// it is not the run's.
func (a *API) childRun(ctx context.Context, parent *hub.Instance, id string) (*hub.Instance, error) {
	i, err := a.Hub.Instance(ctx, id, false)
	if perdure.CodeOf(err) == perdure.NotFound {
		return nil, nil
	}
	if err != nil || i.Kind != store.Orchestration || i.Parent != parent.ID || i.Status.Terminal() {
		return nil, err
	}
	return i, nil
}
