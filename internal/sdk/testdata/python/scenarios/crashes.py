"""Workers and servers that are killed with kill -9 in the middle of their work."""

import tempfile
import time
from typing import Any

from durabletask import entities, task

import registry
from checks import attempt, attempts, equal, state
from perdure import until
from registry import activity, entity, orchestrator


def _hang() -> None:
    time.sleep(3600)


@orchestrator("turn")
def dying_turn(ctx: task.OrchestrationContext, folder: str):
    if attempt(folder, "turn") == 1:
        _hang()
    return "survived"
    yield


def worker_killed_in_a_turn(s):
    """W8."""
    with tempfile.TemporaryDirectory() as folder:
        with s.worker("turn") as first:
            id = s.start(dying_turn, folder)
            until(lambda: attempts(folder, "turn") == 1, "the turn runs")
            equal(s.client.get_orchestration_state(id).runtime_status.name, "PENDING")
            first.kill()
            with s.worker("turn"):
                equal(s.wait(id).get_output(), "survived")
        equal(attempts(folder, "turn"), 2)


@activity("activity")
def dying_activity(ctx: task.ActivityContext, folder: str) -> str:
    if attempt(folder, "activity") == 1:
        _hang()
    return "survived"


@orchestrator("activity")
def with_a_dying_activity(ctx: task.OrchestrationContext, folder: str):
    return (yield ctx.call_activity(dying_activity, input=folder))


def worker_killed_in_an_activity(s):
    """W8: what ran may run again; the history shows one task."""
    with tempfile.TemporaryDirectory() as folder:
        with s.worker("activity") as first:
            id = s.start(with_a_dying_activity, folder)
            until(lambda: attempts(folder, "activity") == 1, "the activity runs")
            first.kill()
            with s.worker("activity"):
                equal(s.wait(id).get_output(), "survived")
        equal(attempts(folder, "activity"), 2)
        equal(s.events(id), ["OrchestratorStarted", "ExecutionStarted", "TaskScheduled", "OrchestratorStarted", "TaskCompleted", "ExecutionCompleted"])


@entity("entity")
def dying_entity(ctx: entities.EntityContext, x: Any):
    if ctx.operation == "hang" and attempt(x, "entity") == 1:
        _hang()
    n = ctx.get_state(int, 0) + 1
    ctx.set_state(n)
    return n


@orchestrator("entity")
def calling_a_dying_entity(ctx: task.OrchestrationContext, x: list):
    return (yield ctx.call_entity(entities.EntityInstanceId("dying_entity", x[0]), "hang", x[1]))


def worker_killed_in_an_entity(s):
    """W8, W53: the batch runs again, its state is written once."""
    id = entities.EntityInstanceId("dying_entity", s.id("e"))
    with tempfile.TemporaryDirectory() as folder, s.worker("entity") as first:
        s.client.signal_entity(id, "count")
        until(lambda: s.client.get_entity(id), "the entity is there")
        run = s.start(calling_a_dying_entity, [id.key, folder])
        until(lambda: attempts(folder, "entity") == 1, "the operation runs")
        s.client.signal_entity(id, "count")
        first.kill()
        with s.worker("entity"):
            equal(s.wait(run).get_output(), 2)
            until(lambda: state(s.client, id) == 3, "the signal behind it arrives")


@entity("holder")
def held(ctx: entities.EntityContext, x: Any):
    n = ctx.get_state(int, 0) + 1
    ctx.set_state(n)
    return n


@orchestrator("holder")
def dying_holder(ctx: task.OrchestrationContext, x: list):
    id = entities.EntityInstanceId("held", x[0])
    with (yield ctx.lock_entities([id])):
        yield ctx.call_entity(id, "count")
        if attempt(x[1], "holder") == 1:
            _hang()
        return (yield ctx.call_entity(id, "count"))


@orchestrator("holder")
def next_holder(ctx: task.OrchestrationContext, x: list):
    with (yield ctx.lock_entities([entities.EntityInstanceId("held", x[0])])):
        return (yield ctx.call_entity(entities.EntityInstanceId("held", x[0]), "count"))


def worker_killed_while_it_holds_a_lock(s):
    """W57: the holder goes on elsewhere with its lock; who waits gets it afterwards."""
    with tempfile.TemporaryDirectory() as folder, s.worker("holder") as first:
        x = [s.id("e"), folder]
        holder = s.start(dying_holder, x)
        until(lambda: attempts(folder, "holder") == 1, "the holder hangs")
        waiting = s.start(next_holder, x)
        first.kill()
        with s.worker("holder"):
            equal(s.wait(holder).get_output(), 2)
            equal(s.wait(waiting).get_output(), 3)


@activity("durable")
def step(ctx: task.ActivityContext, x: list) -> int:
    attempt(x[0], f"step-{ctx.orchestration_id}-{x[1]}")
    time.sleep(0.02)
    return x[1]


@orchestrator("durable")
def durable(ctx: task.OrchestrationContext, folder: str):
    done = []
    for n in range(12):
        done.append((yield ctx.call_activity(step, input=[folder, n])))
    done.append((yield ctx.wait_for_external_event("End")))
    ctx.signal_entity(entities.EntityInstanceId("tally", "t"), "add", 1)
    return done


@entity("durable")
def tally(ctx: entities.EntityContext, x: int):
    ctx.set_state(ctx.get_state(int, 0) + x)


def server_killed(s):
    """W60: nothing that was acknowledged is lost, nothing stands in a history twice."""
    with s.server() as server, tempfile.TemporaryDirectory() as folder:
        w = registry.worker(server.address, "durable", filters=False)
        w.start()
        try:
            c = registry.client(server.address)
            ids = [c.schedule_new_orchestration(durable, input=folder) for _ in range(4)]
            for n, id in enumerate(ids):
                c.raise_orchestration_event(id, "End", data=f"event {n}")
            for round in range(3):
                until(lambda: sum(attempts(folder, f"step-{id}-{3 * round + 1}") for id in ids) > 0, f"step {3 * round + 1} runs")
                server.kill()
                server.start()
            c.close()
            c = registry.reconnected(server.address)
            for n, id in enumerate(ids):
                ended = c.wait_for_orchestration_completion(id, timeout=40)
                equal(ended.get_output(), [*range(12), f"event {n}"])
                events = c.get_orchestration_history(id)
                completed = [e.task_scheduled_id for e in events if type(e).__name__ == "TaskCompletedEvent"]
                equal(completed, list(range(1, 13)), "each result once")
                equal([e.name for e in events if type(e).__name__ == "EventRaisedEvent"], ["End"])
            until(lambda: state(c, entities.EntityInstanceId("tally", "t")) == 4, "every signal arrives once")
        finally:
            w.stop()


def server_killed_while_all_waits(s):
    """Timers, events and locks of waiting instances outlive the server."""
    from scenarios.entities import holding
    from scenarios.events import three_events
    from scenarios.flow import timed
    with s.server() as server:
        w = registry.worker(server.address, registry.MAIN, filters=False)
        w.start()
        try:
            c = registry.client(server.address)
            timer = c.schedule_new_orchestration(timed, input=1500)
            event = c.schedule_new_orchestration(three_events)
            lock = c.schedule_new_orchestration(holding, input="k")
            for id in (timer, event, lock):
                c.wait_for_orchestration_start(id)
            until(lambda: c.get_orchestration_state(lock).get_custom_status() == "held", "the lock is held")
            c.raise_orchestration_event(event, "Next", data=0)
            server.kill()
            server.start()
            c.close()
            c = registry.reconnected(server.address)
            for n in (1, 2):
                c.raise_orchestration_event(event, "Next", data=n)
            equal(c.wait_for_orchestration_completion(event, timeout=30).get_output(), [0, 1, 2])
            c.raise_orchestration_event(lock, "Leave", data="leave")
            equal(c.wait_for_orchestration_completion(lock, timeout=30).get_output(), "left")
            assert c.wait_for_orchestration_completion(timer, timeout=30).get_output() >= 1.5
        finally:
            w.stop()
