// Package store is the contract between the runtime and whatever keeps its
// state: drivers implement it, owners of shards use it.
//
// A driver knows no orchestration, entity or agent. It knows instances with a
// record, a history in branches, an inbox, timers and rows, all of which change
// in commits, and it keeps these rules. The suite in store/storetest checks
// each of them on every driver.
//
//	R1  A commit is all or nothing, and so is what it writes for other instances.
//	R2  A commit applies only if the instance's version is Commit.Expect (0 = no
//	    record) and the group's epoch is the newest of its shard; the check and
//	    the write are one. A commit that fails is named in the receipt and changes
//	    nothing; the others of its group apply.
//	R3  Receipt.Wait returns without error only when the commits that it does not
//	    name are durable: they survive kill -9 and power loss.
//	R4  Groups of one committer apply in the order of submission. A reader may see
//	    a group before it is durable; a reader that must not show such state waits
//	    for Commits.Barrier.
//	R5  After a failed write or sync every later call that writes fails with
//	    ErrFailed until the store is opened anew; sync is never tried again.
//	    Before that comes the watermark: with little space left Submit refuses
//	    with ErrNoSpace before it writes anything, and recovers by itself.
//	    A store behind a connection is not at an end when the connection is. It
//	    looks up by itself what became of a group that was under way. Only if that
//	    cannot be found out in time does Wait return ErrUnavailable, for this group
//	    alone: its owner loads the instances anew and goes on. The group may yet
//	    apply, so the versions of later commits decide. What keeps a whole group
//	    from being written (ErrUnavailable, ErrNoSpace, ErrFenced) stands in the
//	    receipt for each of its commits, which certainly do not apply.
//	R6  Rows, timers and history of an instance vanish with its purge, but for rows
//	    with Keep. Its inbox stays: a message may be on the way to the instance's
//	    next incarnation, and only the owner can tell. A fold takes the history of
//	    all branches and the rows of the kinds that it names, but for those with
//	    Keep, and nothing else.
//	R7  Inbox, timers and rows are read in key order, with cursors that stay valid
//	    while others write.
//	R8  Messages are unique by id within a target: writing one that is there
//	    changes nothing.
//	R9  What a driver encodes carries a checksum; a damaged record is an error
//	    (ErrCorrupt) that names its key and is never served, skipped or rewritten.
//	R10 Byte slices given to Submit belong to the driver until Wait has returned;
//	    byte slices returned belong to the caller.
//	R11 An unknown format version is refused when the store is opened, without a
//	    write.
//	R12 Every method may be called concurrently, but for Submit, which one
//	    goroutine per committer calls.
package store
