"""Entities: calls, signals, locks, queries, and what entities do by themselves."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from durabletask import client as sdk
from durabletask import entities, task
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.scheduled import ScheduledTaskClient
from durabletask.scheduled.models import ScheduleCreationOptions

from checks import equal, state
from perdure import until
from registry import entity, orchestrator


@entity
def counter(ctx: entities.EntityContext, x: Any):
    state = ctx.get_state(int, 0)
    if ctx.operation == "add":
        ctx.set_state(state + x)
        return state + x
    if ctx.operation == "get":
        return state
    if ctx.operation == "delete":
        ctx.set_state(None)
        return None
    if ctx.operation == "fail":
        ctx.set_state(-1)
        raise ValueError(f"not with {x}")
    if ctx.operation == "forward":
        ctx.signal_entity(entities.EntityInstanceId("counter", x["to"]), "add", x["n"])
        return "forwarded"
    if ctx.operation == "later":
        ctx.signal_entity(ctx.entity_id, "add", 1, signal_time=datetime.now(timezone.utc) + timedelta(milliseconds=x))
        return None
    if ctx.operation == "start":
        return ctx.schedule_new_orchestration("adding", input={"key": ctx.entity_id.key, "n": 5, "times": 1}, instance_id=x)
    raise ValueError(f"no operation {ctx.operation}")


@entity
class Ledger(entities.DurableEntity):
    """An entity as a class, with a name in upper and lower case."""

    def put(self, line: str) -> int:
        lines = self.get_state(list, [])
        lines.append(line)
        self.set_state(lines)
        return len(lines)

    def lines(self) -> list:
        return self.get_state(list, [])


def _counter(s, key: str = "c") -> entities.EntityInstanceId:
    return entities.EntityInstanceId("counter", s.id(key))


def _state(s, id: entities.EntityInstanceId) -> Any:
    return state(s.client, id)


@orchestrator
def adding(ctx: task.OrchestrationContext, x: dict):
    id, got = entities.EntityInstanceId("counter", x["key"]), None
    for _ in range(x["times"]):
        got = yield ctx.call_entity(id, "add", x["n"])
    return got


def entity_calls(s):
    id = _counter(s)
    equal(s.run(adding, {"key": id.key, "n": 2, "times": 5}), 10)
    equal(_state(s, id), 10)


def entity_calls_by_many(s):
    """W52: one operation at a time, none lost."""
    id = _counter(s)
    runs = [s.start(adding, {"key": id.key, "n": 1, "times": 4}) for _ in range(10)]
    outputs = [s.wait(r).get_output() for r in runs]
    equal(_state(s, id), 40)
    equal(max(outputs), 40)


def entity_signals_in_order(s):
    """W52."""
    id = entities.EntityInstanceId("Ledger", s.id("Key"))
    for n in range(30):
        s.client.signal_entity(id, "put", str(n))
    until(lambda: len(_state(s, id) or []) == 30, "all signals arrive")
    equal(_state(s, id), [str(n) for n in range(30)])


@orchestrator
def failing_call(ctx: task.OrchestrationContext, key: str):
    id = entities.EntityInstanceId("counter", key)
    yield ctx.call_entity(id, "add", 3)
    try:
        yield ctx.call_entity(id, "fail", "this")
    except task.TaskFailedError as e:
        return [str(e), (yield ctx.call_entity(id, "get"))]


def entity_operation_fails(s):
    """W54: the caller learns of it and the state is as before."""
    message, state = s.run(failing_call, _counter(s).key)
    assert "not with this" in message, message
    equal(state, 3)


@orchestrator
def signalling(ctx: task.OrchestrationContext, x: dict):
    id = entities.EntityInstanceId("counter", x["key"])
    when = ctx.current_utc_datetime + timedelta(milliseconds=x["delay"]) if x["delay"] else None
    ctx.signal_entity(id, "add", 7, signal_time=when)
    return (yield ctx.call_entity(id, "get"))


def entity_signals_from_an_orchestration(s):
    """W55: a signal comes before a later call; a delayed one not early."""
    equal(s.run(signalling, {"key": _counter(s).key, "delay": 0}), 7)
    late = _counter(s, "late")
    began = datetime.now(timezone.utc)
    equal(s.run(signalling, {"key": late.key, "delay": 600}), 0)
    until(lambda: _state(s, late) == 7, "the delayed signal arrives")
    assert datetime.now(timezone.utc) - began >= timedelta(milliseconds=600)


def entity_signals_with_a_delay(s):
    """W55: from a client."""
    id = _counter(s)
    began = datetime.now(timezone.utc)
    s.client.signal_entity(id, "add", 2, signal_time=began + timedelta(milliseconds=600))
    s.client.signal_entity(id, "add", 1)
    until(lambda: _state(s, id) == 1, "the immediate signal arrives")
    until(lambda: _state(s, id) == 3, "the delayed signal arrives")
    assert datetime.now(timezone.utc) - began >= timedelta(milliseconds=600)


def entity_to_entity(s):
    """W55."""
    a, b = _counter(s, "a"), _counter(s, "b")
    s.client.signal_entity(a, "forward", {"to": b.key, "n": 9})
    until(lambda: _state(s, b) == 9, "the forwarded signal arrives")


def entity_wakes_itself(s):
    id = _counter(s)
    s.client.signal_entity(id, "later", 200)
    until(lambda: _state(s, id) == 1, "the entity's own signal arrives")


def entity_starts_an_orchestration(s):
    """W55: it has no parent."""
    id = _counter(s)
    s.client.signal_entity(id, "start", s.id("run"))
    until(lambda: s.client.get_orchestration_state(s.id("run")), "the orchestration starts")
    equal(s.wait(s.id("run")).get_output(), 5)
    equal(s.history(s.id("run"))[1].parent_instance, None)


@orchestrator
def transferring(ctx: task.OrchestrationContext, x: dict):
    a, b = (entities.EntityInstanceId("counter", k) for k in x["keys"])
    with (yield ctx.lock_entities([a, b])):
        have = yield ctx.call_entity(a, "get")
        yield ctx.create_timer(timedelta(milliseconds=20))
        yield ctx.call_entity(a, "add", -1)
        there = yield ctx.call_entity(b, "add", 1)
    return [have, there]


def entity_locks(s):
    """W56: holders do not get between each other, whatever the order in which they ask."""
    a, b = _counter(s, "a"), _counter(s, "b")
    there = [s.start(transferring, {"keys": [a.key, b.key]}) for _ in range(4)]
    back = [s.start(transferring, {"keys": [b.key, a.key]}) for _ in range(4)]
    for r in there + back:
        s.wait(r, timeout=60)
    equal((_state(s, a), _state(s, b)), (0, 0))
    seen = sorted(tuple(s.client.get_orchestration_state(r).get_output()) for r in there + back)
    equal(sum(have + got for have, got in seen), 8, f"each saw what the last one left: {seen}")


@orchestrator
def holding(ctx: task.OrchestrationContext, key: str):
    with (yield ctx.lock_entities([entities.EntityInstanceId("counter", key)])):
        ctx.set_custom_status("held")
        how = yield ctx.wait_for_external_event("Leave")
        if how == "fail":
            raise ValueError("with the lock")
        if how == "again":
            ctx.continue_as_new("done")
            return None
    return "left"


@orchestrator
def holding_twice(ctx: task.OrchestrationContext, key: str):
    if key == "done":
        return "done"
    return (yield from holding(ctx, key))


def entity_locks_are_shown_and_freed(s):
    """W56, W57: lockedBy while held; free after leaving, failing, continuing as new and being terminated."""
    for n, (orchestration, how, status) in enumerate([
            (holding, "leave", "COMPLETED"), (holding, "fail", "FAILED"),
            (holding_twice, "again", "COMPLETED"), (holding, "terminate", "TERMINATED")]):
        id = _counter(s, str(n))
        s.run(adding, {"key": id.key, "n": 1, "times": 1})
        run = s.start(orchestration, id.key)
        s.status(run, "held")
        raw = s.client._stub.GetEntity(_get(id)).entity
        equal(raw.lockedBy.value, run)
        s.client.signal_entity(id, "add", 10)
        other = s.start(adding, {"key": id.key, "n": 100, "times": 1})
        equal(_state(s, id), 1, "the state while it is locked")
        if how == "terminate":
            s.client.terminate_orchestration(run)
        else:
            s.client.raise_orchestration_event(run, "Leave", data=how)
        s.wait(run, status)
        equal(s.wait(other).get_output(), 111)
        until(lambda: not s.client._stub.GetEntity(_get(id)).entity.HasField("lockedBy"), "the lock is free")


def _get(id: entities.EntityInstanceId):
    return pb.GetEntityRequest(instanceId=str(id), includeState=True)


def entity_deletion(s):
    """W58: a null state is no entity; it can come again."""
    id = _counter(s)
    s.client.signal_entity(id, "add", 4)
    until(lambda: _state(s, id) == 4, "the entity is there")
    s.client.signal_entity(id, "delete")
    until(lambda: s.client.get_entity(id) is None, "the entity is gone")
    equal([e.id.key for e in s.client.get_all_entities(sdk.EntityQuery(instance_id_starts_with=f"@counter@{s.prefix}"))], [])
    s.client.signal_entity(id, "add", 1)
    until(lambda: _state(s, id) == 1, "the entity is there again")


def entity_queries(s):
    for n in range(12):
        s.client.signal_entity(_counter(s, f"{n:02}"), "add", n)
    mine = sdk.EntityQuery(instance_id_starts_with=f"@counter@{s.prefix}", page_size=5)
    until(lambda: len(s.client.get_all_entities(mine)) == 12, "all entities are found")
    equal(sorted(json.loads(e.get_state()) for e in s.client.get_all_entities(mine)), list(range(12)))
    old = sdk.EntityQuery(instance_id_starts_with=mine.instance_id_starts_with, last_modified_to=datetime.now(timezone.utc) - timedelta(hours=1))
    equal(s.client.get_all_entities(old), [])
    bare = sdk.EntityQuery(instance_id_starts_with=mine.instance_id_starts_with, include_state=False)
    equal({e.includes_state for e in s.client.get_all_entities(bare)}, {False})
    equal(s.client.get_entity(_counter(s, "none")), None)


def entity_storage_is_clean(s):
    cleaned = s.client.clean_entity_storage()
    equal((cleaned.empty_entities_removed, cleaned.orphaned_locks_released), (0, 0))


@orchestrator
def scheduled_add(ctx: task.OrchestrationContext, key: str):
    ctx.signal_entity(entities.EntityInstanceId("counter", key), "add", 1)
    return None
    yield


def scheduled_tasks(s):
    """The SDK's schedules: an entity that signals itself and starts orchestrations."""
    id = _counter(s)
    schedules = ScheduledTaskClient(s.client)
    schedule = schedules.create_schedule(ScheduleCreationOptions(
        schedule_id=s.id("schedule"), orchestration_name="scheduled_add", orchestration_input=id.key,
        interval=timedelta(seconds=1), start_immediately_if_late=True))
    until(lambda: (_state(s, id) or 0) >= 2, "the schedule ran twice")
    schedule.delete()
