// Package shard owns shards: it takes the messages of their instances in, lets
// the engine and the user's code decide what follows, writes that in commits
// and releases the effects of a commit once it is durable.
//
// One goroutine, the loop, owns all state in memory. Others append to its mail.
// User code runs on runners, which the loop replaces when a turn takes too long.
// Groups of commits are written one after the other; what arrives while a group
// is being written makes up the next.
package shard
