package perdure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/perdure/perdure/internal/history"
)

// Registry knows the orchestrations, activities and entities of a worker by
// their names. Fill it before a worker runs on it; Err reports all that was wrong
// at once. A Registry may be read concurrently.
type Registry struct {
	orchestrations map[string]OrchestrationFunc
	activities     map[string]ActivityFunc
	entities       map[string]EntityFunc
	problems       []error
	cache          sync.Map // of *codeName by the address of the code
}

// OrchestrationFunc is a registered orchestration, with input and output as
// JSON. It is part of the seam to the runtime.
type OrchestrationFunc func(ctx *Context, input history.Text) (history.Text, error)

// ActivityFunc is a registered activity, with input and output as JSON. It is
// part of the seam to the runtime.
type ActivityFunc func(ctx context.Context, input history.Text) (history.Text, error)

// NewRegistry returns an empty registry.
func NewRegistry() *Registry {
	return &Registry{
		orchestrations: map[string]OrchestrationFunc{},
		activities:     map[string]ActivityFunc{},
		entities:       map[string]EntityFunc{},
	}
}

// Err returns what was wrong with the registrations so far, each problem by the
// name of its function; nil if nothing was.
func (r *Registry) Err() error { return errors.Join(r.problems...) }

// AddOrchestration registers an orchestration under the name of its function,
// without the package. Closures, method values and generic functions have no
// usable name: register them with AddOrchestrationNamed.
func AddOrchestration[In, Out any](r *Registry, fn func(*Context, In) (Out, error)) {
	if name, ok := r.ownName("orchestration", fn); ok {
		AddOrchestrationNamed(r, name, fn)
	}
}

// AddOrchestrationNamed registers an orchestration under a name.
func AddOrchestrationNamed[In, Out any](r *Registry, name string, fn func(*Context, In) (Out, error)) {
	if fn == nil {
		r.problem("orchestration", name, errNil)
		return
	}
	if add(r, r.orchestrations, "orchestration", name, orchestration(name, fn)) {
		r.register(fn, name)
	}
}

// AddOrchestrationVersion registers the code that runs started with this version
// keep to their end. Runs of all other versions take the code that is registered
// under the name without version.
func AddOrchestrationVersion[In, Out any](r *Registry, name, version string, fn func(*Context, In) (Out, error)) {
	switch {
	case fn == nil:
		r.problem("orchestration", name, errNil)
	case strings.TrimSpace(version) == "":
		r.problem("orchestration", name, errors.New("the version is empty"))
	default:
		add(r, r.orchestrations, "orchestration", versioned(name, version), orchestration(name, fn))
	}
}

// versioned is the key of a version; no name ends like it.
func versioned(name, version string) string { return name + "\x00" + version }

func orchestration[In, Out any](name string, fn func(*Context, In) (Out, error)) OrchestrationFunc {
	return func(ctx *Context, input history.Text) (history.Text, error) {
		var in In
		if err := decode(input, &in); err != nil {
			return history.Text{}, NonRetryable(invalidf("input of "+name, err))
		}
		out, err := fn(ctx, in)
		if err != nil {
			return history.Text{}, err
		}
		return encode(out)
	}
}

// AddActivity registers an activity under the name of its function, without the
// package. Closures, method values and generic functions have no usable name:
// register them with AddActivityNamed.
func AddActivity[In, Out any](r *Registry, fn func(context.Context, In) (Out, error)) {
	if name, ok := r.ownName("activity", fn); ok {
		AddActivityNamed(r, name, fn)
	}
}

// AddActivityNamed registers an activity under a name.
func AddActivityNamed[In, Out any](r *Registry, name string, fn func(context.Context, In) (Out, error)) {
	if fn == nil {
		r.problem("activity", name, errNil)
		return
	}
	if !add(r, r.activities, "activity", name, func(ctx context.Context, input history.Text) (history.Text, error) {
		var in In
		if err := decode(input, &in); err != nil {
			return history.Text{}, NonRetryable(invalidf("input of "+name, err))
		}
		out, err := fn(ctx, in)
		if err != nil {
			return history.Text{}, err
		}
		return encode(out)
	}) {
		return
	}
	r.register(fn, name)
}

var errNil = errors.New("the function is nil")

// ownName returns the name of fn's code, or notes why it has none.
func (r *Registry) ownName(kind string, fn any) (string, bool) {
	name, err := r.nameOf(fn)
	if err != nil {
		r.problem(kind, "", err)
		return "", false
	}
	return name, true
}

// add registers wrapped under a name, or notes why it cannot.
func add[F any](r *Registry, known map[string]F, kind, name string, wrapped F) bool {
	switch _, duplicate := known[name]; {
	case duplicate:
		r.problem(kind, name, errors.New("the name is registered already: give it another"))
	case strings.TrimSpace(strings.Trim(name, "\x00")) == "":
		r.problem(kind, name, errors.New("the name is empty"))
	default:
		known[name] = wrapped
		return true
	}
	return false
}

func (r *Registry) problem(kind, name string, err error) {
	if name, version, ok := strings.Cut(name, "\x00"); ok {
		err = fmt.Errorf("%s %q version %q: %w", kind, name, version, err)
	} else if name != "" {
		err = fmt.Errorf("%s %q: %w", kind, name, err)
	} else {
		err = fmt.Errorf("%s: %w", kind, err)
	}
	r.problems = append(r.problems, err)
}

// Orchestration returns the orchestration with this name for runs of this
// version. It is part of the seam to the runtime.
func (r *Registry) Orchestration(name, version string) (OrchestrationFunc, bool) {
	if version != "" {
		if fn, ok := r.orchestrations[versioned(name, version)]; ok {
			return fn, true
		}
	}
	fn, ok := r.orchestrations[name]
	return fn, ok
}

// HasOrchestration reports whether there is an orchestration with this name, of
// any version.
func (r *Registry) HasOrchestration(name string) bool {
	if _, ok := r.orchestrations[name]; ok {
		return true
	}
	for known := range r.orchestrations {
		if strings.HasPrefix(known, versioned(name, "")) {
			return true
		}
	}
	return false
}

// Activity returns the activity with this name. It is part of the seam to the
// runtime.
func (r *Registry) Activity(name string) (ActivityFunc, bool) {
	fn, ok := r.activities[name]
	return fn, ok
}

// Entity returns the entity with this name, whatever its case. It is part of the
// seam to the runtime.
func (r *Registry) Entity(name string) (EntityFunc, bool) {
	fn, ok := r.entities[strings.ToLower(name)]
	return fn, ok
}

// Orchestrations returns the names of the orchestrations, sorted.
func (r *Registry) Orchestrations() []string {
	names := make([]string, 0, len(r.orchestrations))
	for key := range r.orchestrations {
		name, _, _ := strings.Cut(key, "\x00")
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Activities returns the names of the activities, sorted.
func (r *Registry) Activities() []string { return slices.Sorted(maps.Keys(r.activities)) }

// Entities returns the names of the entities, sorted and in lower case.
func (r *Registry) Entities() []string { return slices.Sorted(maps.Keys(r.entities)) }

// OnlyVersions returns the versions of an orchestration for which code is
// registered, sorted, if there is none for all others; else nil. It is part of the
// seam to the runtime.
func (r *Registry) OnlyVersions(name string) []string {
	if _, all := r.orchestrations[name]; all {
		return nil
	}
	var versions []string
	for known := range r.orchestrations {
		if version, ok := strings.CutPrefix(known, versioned(name, "")); ok {
			versions = append(versions, version)
		}
	}
	slices.Sort(versions)
	return versions
}
