// Package schedule starts orchestrations at set times: by a cron expression or
// at an interval, with a policy for runs that overlap, pause, trigger and update.
//
// It is ordinary code over package perdure and works on any hub: each schedule
// is an entity, "@perdure.schedule@<id>", and each firing an orchestration that
// has the target as its child and tells the entity how it ended. Register adds
// both to a worker's registry; the functions of this package work on a schedule
// through a client.
//
// # Firing times
//
// A firing time is a moment that the cron expression or the interval names. The
// run that it starts has the id "<schedule>:<firing time>", in UTC such as
// "nightly:20260301T020000Z", so that a firing time starts one run however often
// its tick is repeated. A run that was triggered by hand has the id
// "<schedule>:manual-<time>-<n>". All runs have the tag "perdure.schedule".
//
// When the hub was down, or the worker, the latest firing time that passed
// meanwhile is made up for, once, if it is no older than Spec.CatchUp; the others
// are counted as missed. Firing times of a pause are not made up for.
//
// # Time zones
//
// A cron expression is read in Spec.TimeZone. When clocks go forward, a time of
// day that does not exist on that day is left out; when they go back, one that
// exists twice fires twice. Intervals know no zone: they count from the Unix
// epoch, moved by Spec.Phase.
package schedule
