"""Which worker gets what: filters, versions, several workers."""

import os
import tempfile
import time
from typing import Any

from durabletask import task
from durabletask import worker as sdk

import registry
from checks import attempt, attempts, equal
from perdure import until
from registry import activity, orchestrator


@orchestrator("left")
def on_the_left(ctx: task.OrchestrationContext, _: Any):
    return (yield ctx.call_activity(where_right))


@orchestrator("right")
def on_the_right(ctx: task.OrchestrationContext, _: Any):
    return (yield ctx.call_sub_orchestrator(on_the_left))


@activity("left")
def where_left(ctx: task.ActivityContext, _: Any) -> int:
    return os.getpid()


@activity("right")
def where_right(ctx: task.ActivityContext, _: Any) -> int:
    return os.getpid()


def two_workers_with_different_filters(s):
    """W51: each gets only what it asked for; work without a worker waits for one."""
    right = registry.worker(s.address, "right")
    with right:
        right.start()
        id = s.start(on_the_right)
        s.reach(id, "RUNNING")
        child = f"{id}:0001"
        equal(s.reach(child, "PENDING").runtime_status.name, "PENDING")
        with s.worker("left"):
            equal(s.wait(id).get_output(), os.getpid())
        # A departed worker's filters do not linger.
        late = s.start(on_the_left)
        try:
            s.client.wait_for_orchestration_completion(late, timeout=0.5)
            raise AssertionError("somebody without a matching filter ran it")
        except TimeoutError:
            pass
        with s.worker("left"):
            s.wait(late)


@orchestrator("versioned")
def versioned(ctx: task.OrchestrationContext, _: Any):
    return [ctx.version, (yield ctx.call_activity(versioned_activity)), (yield ctx.call_sub_orchestrator(versioned_child))]


@orchestrator("versioned")
def versioned_child(ctx: task.OrchestrationContext, _: Any):
    return ctx.version
    yield


@activity("versioned")
def versioned_activity(ctx: task.ActivityContext, _: Any):
    return "activity"


def _versioned(s, version: str, match: sdk.VersionMatchStrategy, failure: sdk.VersionFailureStrategy, filters: bool) -> sdk.TaskHubGrpcWorker:
    w = registry.worker(s.address, "versioned", filters=False)
    w.use_versioning(sdk.VersioningOptions(version=version, default_version=version, match_strategy=match, failure_strategy=failure))
    if filters:
        w.use_work_item_filters()
    return w


def strict_versions(s):
    """W51: filters with versions; unversioned activities follow their orchestration's version."""
    w = _versioned(s, "1.0.0", sdk.VersionMatchStrategy.STRICT, sdk.VersionFailureStrategy.REJECT, True)
    with w:
        w.start()
        other = s.start(versioned, version="2.0.0")
        equal(s.run(versioned, version="1.0.0"), ["1.0.0", "activity", "1.0.0"])
        equal(s.client.get_orchestration_state(other).runtime_status.name, "PENDING")
        x = _versioned(s, "2.0.0", sdk.VersionMatchStrategy.STRICT, sdk.VersionFailureStrategy.REJECT, True)
        with x:
            x.start()
            equal(s.wait(other).get_output(), ["2.0.0", "activity", "2.0.0"])


def version_that_fails(s):
    """A worker may end what is too new for it."""
    with s.server() as server:
        s = s.at(server)
        w = _versioned(s, "1.0.0", sdk.VersionMatchStrategy.CURRENT_OR_OLDER, sdk.VersionFailureStrategy.FAIL, False)
        with w:
            w.start()
            equal(s.run(versioned, version="0.9"), ["0.9", "activity", "1.0.0"])
            equal(s.wait(s.start(versioned, version="1.5.0"), "FAILED").failure_details.error_type, "VersionMismatch")


def version_that_is_rejected(s):
    """W13: a worker abandons what is too new for it; the item comes back, after a while, to whoever can."""
    with s.server() as server:
        s = s.at(server)
        match, reject = sdk.VersionMatchStrategy.CURRENT_OR_OLDER, sdk.VersionFailureStrategy.REJECT
        old = _versioned(s, "1.0.0", match, reject, False)
        with old:
            old.start()
            id = s.start(versioned, version="2.0.0")
            try:
                s.client.wait_for_orchestration_completion(id, timeout=0.5)
                raise AssertionError("a rejected version ran")
            except TimeoutError:
                equal(s.client.get_orchestration_state(id).runtime_status.name, "PENDING")
            equal(s.run(versioned, version="1.0.0")[0], "1.0.0", "what others do meanwhile")
            new = _versioned(s, "2.0.0", match, reject, False)
            with new:
                new.start()
                # The activity may go to the old worker too: it has it.
                equal(s.wait(id).get_output(), ["2.0.0", "activity", "2.0.0"])


@orchestrator("upgrade")
def upgrading(ctx: task.OrchestrationContext, n: int):
    if n == 0:
        ctx.continue_as_new(1, new_version="2.0")
        return None
    return ctx.version
    yield


def continue_as_new_in_a_new_version(s):
    w = registry.worker(s.address, "upgrade")
    with w:
        w.start()
        id = s.start(upgrading, 0, version="1.0")
        equal(s.wait(id).get_output(), "2.0")
        equal(s.history(id)[1].version, "2.0")


@activity("limited")
def busy(ctx: task.ActivityContext, folder: str) -> int:
    """Notes how many of its kind run at the same time."""
    path = os.path.join(folder, str(ctx.task_id))
    open(path, "w").close()
    seen = len(os.listdir(folder))
    time.sleep(0.05)
    os.remove(path)
    return seen


@orchestrator("limited")
def all_busy(ctx: task.OrchestrationContext, folder: str):
    return max((yield task.when_all([ctx.call_activity(busy, input=folder) for _ in range(12)])))


def limits_of_a_worker(s):
    """W6: never more outstanding than stated."""
    w = registry.worker(s.address, "limited", concurrency_options=sdk.ConcurrencyOptions(
        maximum_concurrent_activity_work_items=2, maximum_concurrent_orchestration_work_items=1, maximum_thread_pool_workers=12))
    with w, tempfile.TemporaryDirectory() as folder:
        w.start()
        equal(s.run(all_busy, folder), 2)


@orchestrator("drained")
def drained(ctx: task.OrchestrationContext, folder: str):
    return (yield ctx.call_activity(slow_once, input=folder))


@activity("drained")
def slow_once(ctx: task.ActivityContext, folder: str) -> int:
    n = attempt(folder, "slow")
    time.sleep(0.6)
    return n


def worker_that_stops(s):
    """A stopping worker finishes what it holds; the result counts although its stream has ended."""
    with tempfile.TemporaryDirectory() as folder:
        w = registry.worker(s.address, "drained")
        w.start()
        id = s.start(drained, folder)
        until(lambda: attempts(folder, "slow") == 1, "the activity runs")
        w.stop()
        with registry.worker(s.address, "drained") as next:
            next.start()
            equal(s.wait(id).get_output(), 1)
            equal(attempts(folder, "slow"), 1)
