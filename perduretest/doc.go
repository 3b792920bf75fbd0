// Package perduretest tests orchestrations, activities, entities and agents: on a
// hub in memory, in virtual time that skips what nobody needs to wait for, with
// activities that follow a script. Models that do are in package modeltest.
//
//	env := perduretest.New(t, registry, perduretest.Outcomes("Charge", perduretest.Fail(errDown), perduretest.Return("ok")))
//	out, err := perduretest.Run(env, Order, "book")
//	response, err := env.Ask("Joker", "session 1", "Tell me a joke.")
//
// Replay checks that code still fits the history of an earlier run, and
// CrashEverywhere that a scenario comes to the same end wherever its process is
// killed.
package perduretest
