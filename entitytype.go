package perdure

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// AddEntityFunc registers the code of an entity under a name, whose case does not
// count.
func AddEntityFunc(r *Registry, name string, fn EntityFunc) {
	name = strings.ToLower(name)
	if fn == nil {
		r.problem("entity", name, errNil)
		return
	}
	if strings.Contains(name, "@") {
		r.problem("entity", name, errors.New("the name contains @"))
		return
	}
	add(r, r.entities, "entity", name, fn)
}

// AddEntity registers a type as an entity: its state is an S as JSON, its
// operations are the exported methods of *S, by their names in any case. A method
// may take a *EntityContext, then an input, and may return a result, then an
// error. The operation "delete" deletes the state unless S has a method for it.
// The state begins as the zero S.
func AddEntity[S any](r *Registry, name string) {
	ops, err := operationsOf(reflect.TypeFor[*S]())
	if err != nil {
		r.problem("entity", name, err)
		return
	}
	AddEntityFunc(r, name, func(ctx *EntityContext) (any, error) {
		op, ok := ops[strings.ToLower(ctx.Operation())]
		if !ok {
			if strings.EqualFold(ctx.Operation(), "delete") {
				ctx.DeleteState()
				return nil, nil
			}
			return nil, NonRetryable(&Error{
				Code: NotFound, Op: "entity operation", Instance: ctx.ID().String(),
				Message: fmt.Sprintf("there is no operation %q", ctx.Operation()),
			})
		}
		state := new(S)
		if err := ctx.State(state); err != nil {
			return nil, err
		}
		had := ctx.HasState()
		result, err := op.call(reflect.ValueOf(state), ctx)
		if err != nil {
			return nil, err
		}
		if had && !ctx.HasState() {
			return result, nil // the operation deleted it
		}
		return result, ctx.SetState(state)
	})
}

// operation is a method that is an operation.
type operation struct {
	fn           reflect.Value
	context      bool
	input        reflect.Type // nil = none
	result, fail bool
}

var (
	contextType = reflect.TypeFor[*EntityContext]()
	errorType   = reflect.TypeFor[error]()
)

func operationsOf(t reflect.Type) (map[string]operation, error) {
	ops := make(map[string]operation)
	var errs []error
	for i := range t.NumMethod() {
		m := t.Method(i)
		op, ok := operationOf(m)
		name := strings.ToLower(m.Name)
		if _, twice := ops[name]; twice {
			errs = append(errs, fmt.Errorf("method %s differs from another only in case", m.Name))
		}
		if !ok {
			errs = append(errs, fmt.Errorf("method %s is no operation: want func([*EntityContext], [input]) ([result], [error])", m.Name))
		}
		ops[name] = op
	}
	if len(ops) == 0 {
		errs = append(errs, fmt.Errorf("%s has no operations: it has no exported methods", t))
	}
	return ops, errors.Join(errs...)
}

func operationOf(m reflect.Method) (operation, bool) {
	op := operation{fn: m.Func}
	t := m.Type
	in := 1
	if in < t.NumIn() && t.In(in) == contextType {
		op.context = true
		in++
	}
	if in < t.NumIn() {
		op.input = t.In(in)
		in++
	}
	out := 0
	if out < t.NumOut() && t.Out(out) != errorType {
		op.result = true
		out++
	}
	if out < t.NumOut() && t.Out(out) == errorType {
		op.fail = true
		out++
	}
	return op, in == t.NumIn() && out == t.NumOut() && !t.IsVariadic()
}

func (op operation) call(state reflect.Value, ctx *EntityContext) (any, error) {
	args := []reflect.Value{state}
	if op.context {
		args = append(args, reflect.ValueOf(ctx))
	}
	if op.input != nil {
		in := reflect.New(op.input)
		if err := ctx.Input(in.Interface()); err != nil {
			return nil, NonRetryable(err)
		}
		args = append(args, in.Elem())
	}
	out := op.fn.Call(args)
	if op.fail {
		if err, _ := out[len(out)-1].Interface().(error); err != nil {
			return nil, err
		}
	}
	if op.result {
		return out[0].Interface(), nil
	}
	return nil, nil
}
