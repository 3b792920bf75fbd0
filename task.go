package perdure

// Awaitable is what Any and All wait for: a *Task, *Timer, *Branch or *Promise.
type Awaitable interface{ step() *Step }

// Task is something that an orchestration has asked for and that will end with
// a value of T or an error.
type Task[T any] struct {
	ctx *Context
	s   Step
	// convert makes the value of the step's result; nil = it is the JSON of T.
	convert func(s *Step) (T, error)
}

// TaskOf begins a step and returns the task that it is, with T encoded as JSON.
// It is part of the seam to the runtime.
func TaskOf[T any](ctx *Context, s Step) *Task[T] {
	t := &Task[T]{ctx: ctx, s: s}
	ctx.rt.Begin(&t.s)
	return t
}

// FailedTask returns a task that could not be begun, for err. It is part of the
// seam to the runtime.
func FailedTask[T any](ctx *Context, err error) *Task[T] {
	t := &Task[T]{ctx: ctx}
	t.s.Reject(err)
	return t
}

// Await waits until the task has ended and returns its outcome: a *StepError if
// an activity, a child or an entity failed, an *Error with the code Canceled if
// the task was cancelled, an *Error with the code InvalidArgument if it could
// not be scheduled or its result is no T.
func (t *Task[T]) Await() (T, error) {
	t.ctx.wait(&t.s)
	var v T
	text, err := t.s.Result()
	if err != nil {
		return v, err
	}
	if t.convert != nil {
		return t.convert(&t.s)
	}
	if err := decode(text, &v); err != nil {
		return v, invalidf("result of "+t.s.Name, err)
	}
	return v, nil
}

// Done reports whether the task has ended.
func (t *Task[T]) Done() bool { return t.s.done }

// Cancel gives the task up: it ends with an *Error with the code Canceled. The
// context of a running activity is cancelled and its result dropped, a child is
// terminated, an event wait no longer takes an event. A task that has ended is
// left alone.
func (t *Task[T]) Cancel() { t.ctx.rt.Cancel(&t.s) }

func (t *Task[T]) step() *Step { return &t.s }

// All waits until all the tasks have ended and returns the error of the first of
// them, in the order given, that failed.
func All(ctx *Context, tasks ...Awaitable) error {
	for _, t := range tasks {
		ctx.wait(t.step())
	}
	for _, t := range tasks {
		if _, err := t.step().Result(); err != nil {
			return err
		}
	}
	return nil
}

// Any waits until one of the tasks has ended and returns it: the first in the
// order given if several have. It costs one step of work per task; for many
// tasks use Map or branches. Any without tasks returns nil.
func Any(ctx *Context, tasks ...Awaitable) Awaitable {
	if len(tasks) == 0 {
		return nil
	}
	for {
		for _, t := range tasks {
			if t.step().done {
				return t
			}
		}
		steps := make([]*Step, len(tasks))
		for i, t := range tasks {
			steps[i] = t.step()
		}
		ctx.rt.Wait(steps[0], steps[1:]...)
	}
}

// Map runs fn for each item, at most limit of them at a time (0 = all), and
// returns the results in the order of the items. Once one has failed no further
// ones begin; Map then waits for those that run and returns the error of the
// first item that failed.
func Map[In, Out any](ctx *Context, items []In, limit int, fn func(ctx *Context, item In) (Out, error)) ([]Out, error) {
	if limit <= 0 || limit > len(items) {
		limit = len(items)
	}
	out := make([]Out, len(items))
	errs := make([]error, len(items))
	next, failed := 0, false
	branches := make([]*Branch, limit)
	for i := range branches {
		branches[i] = ctx.Go(func(ctx *Context) {
			for next < len(items) && !failed {
				i := next
				next++
				out[i], errs[i] = fn(ctx, items[i])
				failed = failed || errs[i] != nil
			}
		})
	}
	for _, b := range branches {
		b.Await()
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
