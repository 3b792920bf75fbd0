package perduretest

import "github.com/perdure/perdure/store"

// Decorated has the hub work on what decorate makes of its store.
func Decorated(decorate func(store.Store) store.Store) Option {
	return func(c *config) { c.store = decorate }
}
