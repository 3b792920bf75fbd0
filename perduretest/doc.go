// Package perduretest tests orchestrations, activities and entities: on a hub in
// memory, in virtual time that skips what nobody needs to wait for, with
// activities that follow a script.
//
//	env := perduretest.New(t, registry, perduretest.Outcomes("Charge", perduretest.Fail(errDown), perduretest.Return("ok")))
//	out, err := perduretest.Run(env, Order, "book")
//
// Replay checks that code still fits the history of an earlier run, and
// CrashEverywhere that a scenario comes to the same end wherever its process is
// killed.
package perduretest
