"""Suspend, resume, terminate, restart, rewind, purge."""

import tempfile
from typing import Any

import grpc
from durabletask import task

from checks import attempt, attempts, equal
from perdure import until
from registry import activity, orchestrator
from scenarios.events import three_events
from scenarios.flow import plain


def suspend_and_resume(s):
    """W33: no progress while suspended, events are kept in order."""
    id = s.start(three_events)
    s.reach(id, "RUNNING")
    s.client.suspend_orchestration(id, reason="lunch")
    s.reach(id, "SUSPENDED")
    for n in (1, 2, 3):
        s.client.raise_orchestration_event(id, "Next", data=n)
    try:
        s.client.wait_for_orchestration_completion(id, timeout=0.3)
        raise AssertionError("a suspended orchestration went on")
    except TimeoutError:
        equal(s.client.get_orchestration_state(id).runtime_status.name, "SUSPENDED")
    s.client.resume_orchestration(id, reason="back")
    equal(s.wait(id).get_output(), [1, 2, 3])
    names = s.events(id)
    assert names.index("ExecutionSuspended") < names.index("ExecutionResumed"), names


def terminate(s):
    """W34: the output is what was given, also when suspended."""
    id = s.start(three_events)
    s.reach(id, "RUNNING")
    s.client.terminate_orchestration(id, output={"why": "enough"})
    equal(s.wait(id, "TERMINATED").get_output(), {"why": "enough"})
    id = s.start(three_events)
    s.client.wait_for_orchestration_start(id)
    s.client.suspend_orchestration(id)
    s.reach(id, "SUSPENDED")
    s.client.terminate_orchestration(id, output="also suspended")
    equal(s.wait(id, "TERMINATED").get_output(), "also suspended")


@orchestrator
def nested(ctx: task.OrchestrationContext, depth: int):
    if depth == 0:
        yield ctx.wait_for_external_event("Never")
    yield ctx.call_sub_orchestrator(nested, input=depth - 1)


def _descendants(id: str) -> list[str]:
    return [id, f"{id}:0001", f"{id}:0001:0001"]


def terminate_recursively(s):
    """W34: grandchildren too, unless told otherwise."""
    tree = _descendants(s.start(nested, 2))
    s.reach(tree[2], "RUNNING")
    s.client.terminate_orchestration(tree[0], output="all", recursive=True)
    for id in tree:
        s.wait(id, "TERMINATED")
    tree = _descendants(s.start(nested, 2))
    s.reach(tree[2], "RUNNING")
    s.client.terminate_orchestration(tree[0], recursive=False)
    s.wait(tree[0], "TERMINATED")
    equal(s.client.get_orchestration_state(tree[1]).runtime_status.name, "RUNNING")
    s.client.terminate_orchestration(tree[1])
    s.wait(tree[2], "TERMINATED")


def terminate_without_a_worker(s):
    """W34: the server ends it by itself, after a few seconds."""
    id = s.start("served_by_no_worker_at_all")
    s.client.terminate_orchestration(id, output="by the server")
    equal(s.wait(id, "TERMINATED").get_output(), "by the server")


def control_of_ended_instances(s):
    """W35, and NOT_FOUND for those that never were."""
    id = s.start(plain, 1)
    s.wait(id)
    s.client.suspend_orchestration(id)
    s.client.resume_orchestration(id)
    s.client.terminate_orchestration(id, output="late")
    equal(s.wait(id).get_output(), 1)
    for call in (s.client.suspend_orchestration, s.client.resume_orchestration, s.client.terminate_orchestration):
        s.refused(grpc.StatusCode.NOT_FOUND, call, s.id("none"))


@activity
def failing_once(ctx: task.ActivityContext, x: dict) -> str:
    n = attempt(x["folder"], x["name"])
    if n <= x["failures"]:
        raise ValueError(f"{x['name']} {n}")
    return f"{x['name']} {n}"


@orchestrator
def rewound_child(ctx: task.OrchestrationContext, x: dict):
    return (yield ctx.call_activity(failing_once, input=x))


@orchestrator
def rewound(ctx: task.OrchestrationContext, x: dict):
    a = yield ctx.call_activity(failing_once, input={**x, "name": "good", "failures": 0})
    b = yield ctx.call_sub_orchestrator(rewound_child, input={**x, "name": "child", "failures": 1})
    c = yield ctx.call_activity(failing_once, input={**x, "name": "bad", "failures": 1})
    return [a, b, c]


def rewind(s):
    """W44: twice in a row; what succeeded does not run again."""
    with tempfile.TemporaryDirectory() as folder:
        id = s.start(rewound, {"folder": folder})
        s.wait(id, "FAILED")
        s.client.rewind_orchestration(id, reason="try again")
        assert s.client.get_orchestration_state(id).runtime_status.name != "FAILED" or attempts(folder, "bad") == 1
        until(lambda: attempts(folder, "bad") == 1, "the child succeeded and the next activity failed")
        s.reach(id, "FAILED")
        s.client.rewind_orchestration(id)
        equal(s.wait(id).get_output(), ["good 1", "child 2", "bad 2"])
        equal([attempts(folder, n) for n in ("good", "child", "bad")], [1, 2, 2])
    equal(s.events(id).count("ExecutionRewound"), 2)


def rewind_refused(s):
    s.refused(grpc.StatusCode.NOT_FOUND, s.client.rewind_orchestration, s.id("none"))
    id = s.start(plain)
    s.wait(id)
    s.refused(grpc.StatusCode.FAILED_PRECONDITION, s.client.rewind_orchestration, id)


def restart(s):
    """W43."""
    id = s.start(plain, "again", tags={"a": "b"}, version="1.2")
    s.wait(id)
    execution = s.history(id)[1].orchestration_instance.execution_id
    equal(s.client.restart_orchestration(id), id)
    until(lambda: s.history(id) and s.history(id)[1].orchestration_instance.execution_id != execution, "a new execution")
    equal(s.wait(id).get_output(), "again")
    started = s.history(id)[1]
    equal((started.name, started.input, started.version, started.tags), ("plain", '"again"', "1.2", {"a": "b"}))
    other = s.client.restart_orchestration(id, restart_with_new_instance_id=True)
    assert other != id
    equal(s.wait(other).get_output(), "again")


def restart_refused(s):
    s.refused(grpc.StatusCode.NOT_FOUND, s.client.restart_orchestration, s.id("none"))
    id = s.start(three_events)
    s.reach(id, "RUNNING")
    s.refused(grpc.StatusCode.FAILED_PRECONDITION, s.client.restart_orchestration, id)
    s.client.terminate_orchestration(id)


def purge_by_id(s):
    """W42."""
    id = s.start(plain)
    s.wait(id)
    result = s.client.purge_orchestration(id)
    equal((result.deleted_instance_count, result.is_complete), (1, True))
    equal(s.client.get_orchestration_state(id), None)
    equal(s.history(id), [])
    equal(s.client.purge_orchestration(id).deleted_instance_count, 0)
    id = s.start(three_events)
    s.reach(id, "RUNNING")
    s.refused(grpc.StatusCode.FAILED_PRECONDITION, s.client.purge_orchestration, id)
    s.client.terminate_orchestration(id)


@orchestrator
def family(ctx: task.OrchestrationContext, depth: int):
    if depth:
        yield ctx.call_sub_orchestrator(family, input=depth - 1)
    return depth


def purge_recursively(s):
    tree = _descendants(s.start(family, 2))
    s.wait(tree[0])
    equal(s.client.purge_orchestration(tree[0], recursive=True).deleted_instance_count, 3)
    equal([s.client.get_orchestration_state(id) for id in tree], [None] * 3)
    tree = _descendants(s.start(family, 2))
    s.wait(tree[0])
    equal(s.client.purge_orchestration(tree[0], recursive=False).deleted_instance_count, 1)
    assert s.client.get_orchestration_state(tree[1]) is not None
