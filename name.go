package perdure

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
)

// nameOf returns the name under which fn is registered, else the name of its
// code.
func (r *Registry) nameOf(fn any) (string, error) {
	v := reflect.ValueOf(fn)
	if v.IsNil() {
		return "", errNil
	}
	pc := v.Pointer()
	if known, ok := r.cache.Load(pc); ok {
		n := known.(*codeName)
		return n.name, n.err
	}
	n := &codeName{}
	n.name, n.err = identifier(pc)
	known, _ := r.cache.LoadOrStore(pc, n)
	n = known.(*codeName)
	return n.name, n.err
}

// codeName is the name of a function or why it has none.
type codeName struct {
	name string
	err  error
}

// register notes that fn's code is registered under name. Code that stands under
// several names, as closures may, is called by name only.
func (r *Registry) register(fn any, name string) {
	pc := reflect.ValueOf(fn).Pointer()
	n := &codeName{name: name}
	if known, loaded := r.cache.LoadOrStore(pc, n); loaded && known.(*codeName).name != name {
		r.cache.Store(pc, &codeName{err: fmt.Errorf(
			"the function is registered as %q and %q: call it by name", known.(*codeName).name, name)})
	}
}

// identifier returns the name of a top-level function without its package.
func identifier(pc uintptr) (string, error) {
	f := runtime.FuncForPC(pc)
	if f == nil {
		return "", errors.New("the function has no name")
	}
	full := f.Name()
	name := full[strings.LastIndexByte(full, '/')+1:]
	_, name, _ = strings.Cut(name, ".")
	switch {
	case strings.HasSuffix(name, "-fm"):
		return "", fmt.Errorf("%s is a method value: give it a name", strings.TrimSuffix(full, "-fm"))
	case strings.HasSuffix(name, "[...]"):
		return "", fmt.Errorf("%s is generic: give it a name", full)
	case name == "" || strings.ContainsAny(name, ".("):
		return "", fmt.Errorf("%s is a closure or a method: give it a name", full)
	}
	return name, nil
}
