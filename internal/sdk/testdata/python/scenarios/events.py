"""External events: buffered, in order, by any case, with time limits, over generations."""

from datetime import timedelta
from typing import Any

import grpc
from durabletask import task

from checks import equal
from perdure import until
from registry import orchestrator
from scenarios.flow import plain


@orchestrator
def three_events(ctx: task.OrchestrationContext, _: Any):
    got = []
    for _ in range(3):
        got.append((yield ctx.wait_for_external_event("Next")))
    return got


def events_in_order(s):
    """W21: also those that came before the wait, before the first dispatch even."""
    id = s.start(three_events)
    for n in (1, 2, 3):
        s.client.raise_orchestration_event(id, "Next", data=n)
    equal(s.wait(id).get_output(), [1, 2, 3])


def events_of_any_case(s):
    """The history keeps the case, the SDK does not care about it."""
    id = s.start(three_events)
    for name in ("next", "NEXT", "nExT"):
        s.client.raise_orchestration_event(id, name, data=name)
    equal(s.wait(id).get_output(), ["next", "NEXT", "nExT"])
    equal([e.name for e in s.history(id) if hasattr(e, "input") and type(e).__name__ == "EventRaisedEvent"], ["next", "NEXT", "nExT"])


def events_without_data(s):
    id = s.start(three_events)
    s.client.raise_orchestration_event(id, "Next")
    s.client.raise_orchestration_event(id, "Next", data="")
    s.client.raise_orchestration_event(id, "Next", data=None)
    equal(s.wait(id).get_output(), [None, "", None])


@orchestrator
def two_names(ctx: task.OrchestrationContext, _: Any):
    b = yield ctx.wait_for_external_event("B")
    a = yield ctx.wait_for_external_event("A")
    return [a, b]


def events_buffered_by_name(s):
    id = s.start(two_names)
    s.client.raise_orchestration_event(id, "A", data=1)
    s.reach(id, "RUNNING")
    s.client.raise_orchestration_event(id, "B", data=2)
    equal(s.wait(id).get_output(), [1, 2])


@orchestrator
def limited(ctx: task.OrchestrationContext, milliseconds: int):
    event = ctx.wait_for_external_event("Decision")
    limit = ctx.create_timer(timedelta(milliseconds=milliseconds))
    winner = yield task.when_any([event, limit])
    if winner is limit:
        return "late"
    limit.cancel()
    return event.get_result()


def event_or_time_limit(s):
    equal(s.run(limited, 50), "late")
    id = s.start(limited, 3600_000)
    s.reach(id, "RUNNING")
    s.client.raise_orchestration_event(id, "Decision", data="yes")
    equal(s.wait(id).get_output(), "yes")


@orchestrator
def echoing(ctx: task.OrchestrationContext, other: str):
    ctx.send_event(other, "Next", data=ctx.instance_id)
    return "sent"
    yield


def event_from_an_orchestration(s):
    id = s.start(three_events)
    others = [s.start(echoing, id) for _ in range(3)]
    for other in others:
        s.wait(other)
        equal(s.events(other), ["OrchestratorStarted", "ExecutionStarted", "EventSent", "ExecutionCompleted"])
    equal(sorted(s.wait(id).get_output()), sorted(others))


def event_to_nobody_and_to_an_ended_instance(s):
    """W22."""
    s.refused(grpc.StatusCode.NOT_FOUND, s.client.raise_orchestration_event, s.id("none"), "Next")
    id = s.start(plain)
    s.wait(id)
    s.client.raise_orchestration_event(id, "Next", data=1)
    equal(s.events(id)[-1], "ExecutionCompleted")


@orchestrator
def collecting(ctx: task.OrchestrationContext, got: list):
    """Takes one event a generation and carries those over that it did not wait for."""
    n = yield ctx.wait_for_external_event("Item")
    got.append(n)
    if len(got) == 100:
        return got
    ctx.continue_as_new(got, save_events=True)


def burst_over_generations(s):
    """W23: continue-as-new amid a burst loses no event and doubles none."""
    id = s.start(collecting, [])
    for n in range(100):
        s.client.raise_orchestration_event(id, "Item", data=n)
    equal(s.wait(id, timeout=60).get_output(), list(range(100)))


@orchestrator
def pinging(ctx: task.OrchestrationContext, left: int):
    """Sends itself the event that the next generation waits for, as .NET's SDK carries events over."""
    if left < 5:
        yield ctx.wait_for_external_event("Self")
    if left == 0:
        return "done"
    ctx.send_event(ctx.instance_id, "Self")
    ctx.continue_as_new(left - 1, save_events=True)


def events_to_itself_over_generations(s):
    """W23, W24."""
    equal(s.run(pinging, 5), "done")


def event_wakes_a_parked_instance(s):
    id = s.start(three_events)
    s.reach(id, "RUNNING")
    until(lambda: s.events(id) == ["OrchestratorStarted", "ExecutionStarted"], "the first turn is in the history")
    for n in range(3):
        s.client.raise_orchestration_event(id, "Next", data=n)
        s.client.get_orchestration_state(id)
    equal(s.wait(id).get_output(), [0, 1, 2])
