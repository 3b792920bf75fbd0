"""Chains, fan-out, timers, sub-orchestrations, continue-as-new."""

from datetime import datetime, timedelta
from typing import Any

from durabletask import task

import registry
from checks import equal, now
from registry import activity, orchestrator


@activity
def add_one(ctx: task.ActivityContext, n: int) -> int:
    return n + 1


@orchestrator
def chained(ctx: task.OrchestrationContext, n: int):
    for _ in range(5):
        n = yield ctx.call_activity(add_one, input=n)
    return n


def chain(s):
    id = s.start(chained, 10)
    state = s.wait(id)
    equal(state.get_output(), 15)
    equal(state.get_input(), 10)
    equal(state.name, "chained")
    equal(s.events(id)[:4], ["OrchestratorStarted", "ExecutionStarted", "TaskScheduled", "OrchestratorStarted"])
    equal([e.event_id for e in s.history(id) if type(e).__name__ == "TaskScheduledEvent"], [1, 2, 3, 4, 5])


@orchestrator
def one_activity(ctx: task.OrchestrationContext, n: int):
    return (yield ctx.call_activity(add_one, input=n))


def history_of_one_activity(s):
    """W15, W17."""
    id = s.start(one_activity, 1)
    s.wait(id)
    events = s.history(id)
    equal([(type(e).__name__.removesuffix("Event"), e.event_id) for e in events], [
        ("OrchestratorStarted", -1), ("ExecutionStarted", 0), ("TaskScheduled", 1),
        ("OrchestratorStarted", -1), ("TaskCompleted", -1), ("ExecutionCompleted", 2)])
    equal((events[4].task_scheduled_id, events[4].result), (1, "2"))
    equal((events[1].name, events[1].input), ("one_activity", "1"))
    equal(len(events[1].orchestration_instance.execution_id), 32)
    assert all(abs(e.timestamp.replace(tzinfo=None) - now()) < timedelta(minutes=1) for e in events), events
    turns = [e.timestamp for e in events if type(e).__name__ == "OrchestratorStartedEvent"]
    equal(turns, sorted(turns), "the order of the turns' times")


@orchestrator
def child(ctx: task.OrchestrationContext, x: Any):
    return {"id": ctx.instance_id, "parent": ctx.parent_instance_id, "input": x, "version": ctx.version}


@orchestrator
def mixed(ctx: task.OrchestrationContext, _: Any):
    yield ctx.call_activity(add_one, input=1)
    yield ctx.create_timer(timedelta(milliseconds=20))
    return (yield ctx.call_sub_orchestrator(child, input="x"))


def history_of_a_mixed_run(s):
    """W18, W28."""
    id = s.start(mixed)
    equal(s.wait(id).get_output(), {"id": f"{id}:0003", "parent": id, "input": "x", "version": None})
    equal([(n, e.event_id) for n, e in zip(s.events(id), s.history(id))], [
        ("OrchestratorStarted", -1), ("ExecutionStarted", 0), ("TaskScheduled", 1),
        ("OrchestratorStarted", -1), ("TaskCompleted", -1), ("TimerCreated", 2),
        ("OrchestratorStarted", -1), ("TimerFired", -1), ("SubOrchestrationInstanceCreated", 3),
        ("OrchestratorStarted", -1), ("SubOrchestrationInstanceCompleted", -1), ("ExecutionCompleted", 4)])
    started = s.history(f"{id}:0003")[1]
    parent = started.parent_instance
    equal((parent.task_scheduled_id, parent.name, parent.orchestration_instance.instance_id), (3, "mixed", id))
    equal(parent.orchestration_instance.execution_id, s.history(id)[1].orchestration_instance.execution_id)


@orchestrator
def fanned_out(ctx: task.OrchestrationContext, n: int):
    results = yield task.when_all([ctx.call_activity(add_one, input=i) for i in range(n)])
    return sum(results)


def fan_out(s):
    equal(s.run(fanned_out, 200), sum(range(1, 201)))


def many_at_once(s):
    ids = [s.start(fanned_out, 5) for _ in range(40)]
    equal([s.wait(id).get_output() for id in ids], [15] * 40)


@orchestrator
def first_of_two(ctx: task.OrchestrationContext, _: Any):
    slow = ctx.create_timer(timedelta(hours=1))
    quick = ctx.call_activity(add_one, input=1)
    winner = yield task.when_any([slow, quick])
    return winner is quick and winner.get_result()


def first_of_an_activity_and_a_timer(s):
    """W32: the other timer stays behind and does nothing."""
    equal(s.run(first_of_two), 2)


@orchestrator
def timed(ctx: task.OrchestrationContext, milliseconds: int):
    before = ctx.current_utc_datetime
    yield ctx.create_timer(timedelta(milliseconds=milliseconds))
    return (ctx.current_utc_datetime - before).total_seconds()


def timers(s):
    """W31: never early, and at once when in the past."""
    assert s.run(timed, 400) >= 0.4
    assert s.run(timed, 1) < 30
    assert s.run(timed, -3600_000) < 30


@orchestrator("chunks")
def chunked(ctx: task.OrchestrationContext, _: Any):
    yield ctx.create_timer(timedelta(milliseconds=500))
    return ctx.current_utc_datetime.isoformat()


def long_timer_in_chunks(s):
    """The SDK cuts timers beyond its longest interval into a chain of shorter ones."""
    w = registry.worker(s.address, "chunks", maximum_timer_interval=timedelta(milliseconds=200))
    with w:
        w.start()
        id = s.start(chunked)
        s.wait(id)
        equal(s.events(id).count("TimerFired"), 3)


@orchestrator
def far_away(ctx: task.OrchestrationContext, _: Any):
    yield ctx.create_timer(timedelta(days=365 * 20))


def long_timer_waits(s):
    id = s.start(far_away)
    s.reach(id, "RUNNING")
    equal(s.events(id)[-1], "TimerCreated")
    s.client.terminate_orchestration(id)
    s.wait(id, "TERMINATED")


@orchestrator
def parent(ctx: task.OrchestrationContext, n: int):
    if n == 0:
        return 1
    results = yield task.when_all([ctx.call_sub_orchestrator(parent, input=n - 1) for _ in range(3)])
    return sum(results)


def tree_of_sub_orchestrations(s):
    equal(s.run(parent, 3), 27)


@orchestrator
def counting(ctx: task.OrchestrationContext, n: int):
    if n < 20:
        n = yield ctx.call_activity(add_one, input=n)
        ctx.continue_as_new(n)
        return None
    return n


def continue_as_new(s):
    """W16: every generation has an execution id of its own; only the last is the history."""
    id = s.start(counting, 0)
    s.client.wait_for_orchestration_start(id)
    first = s.history(id)[1].orchestration_instance.execution_id
    equal(s.wait(id).get_output(), 20)
    assert s.history(id)[1].orchestration_instance.execution_id != first
    equal(s.events(id), ["OrchestratorStarted", "ExecutionStarted", "ExecutionCompleted"])


@orchestrator
def deterministic(ctx: task.OrchestrationContext, _: Any):
    a, t = ctx.new_uuid(), ctx.current_utc_datetime
    yield ctx.call_activity(add_one, input=1)
    b = ctx.new_uuid()
    yield ctx.create_timer(timedelta(milliseconds=10))
    return [a, b, t.isoformat()]


def deterministic_ids_and_time(s):
    a, b, t = s.run(deterministic)
    assert a != b and abs(datetime.fromisoformat(t) - now()) < timedelta(minutes=1), (a, b, t)


@orchestrator
def plain(ctx: task.OrchestrationContext, x: Any):
    return x


def orchestration_without_steps(s):
    id = s.start(plain, {"a": [1, None, "ü"]})
    equal(s.wait(id).get_output(), {"a": [1, None, "ü"]})
    equal(s.events(id), ["OrchestratorStarted", "ExecutionStarted", "ExecutionCompleted"])
