"""Failures and retries of activities and sub-orchestrations."""

import tempfile
from datetime import timedelta
from typing import Any

from durabletask import task

from checks import attempt, attempts, equal
from registry import activity, orchestrator

QUICK = dict(first_retry_interval=timedelta(milliseconds=30))


@activity
def flaky(ctx: task.ActivityContext, x: dict) -> str:
    n = attempt(x["folder"], "flaky")
    if n < x["good"]:
        raise ValueError(f"attempt {n}")
    return f"attempt {n} of task {ctx.task_id}"


@orchestrator
def retrying(ctx: task.OrchestrationContext, x: dict):
    policy = task.RetryPolicy(max_number_of_attempts=3, **QUICK)
    return (yield ctx.call_activity(flaky, input=x, retry_policy=policy, tags={"k": "v"}))


def activity_retries(s):
    """W26: the SDK gives each attempt the same task id."""
    with tempfile.TemporaryDirectory() as folder:
        id = s.start(retrying, {"folder": folder, "good": 3})
        equal(s.wait(id).get_output(), "attempt 3 of task 1")
        equal(attempts(folder, "flaky"), 3)
    scheduled = [e for e in s.history(id) if type(e).__name__ == "TaskScheduledEvent"]
    equal([(e.event_id, e.tags) for e in scheduled], [(1, {"k": "v"})] * 3)
    failed = [e for e in s.history(id) if type(e).__name__ == "TaskFailedEvent"]
    equal([(e.task_scheduled_id, e.failure_details.message) for e in failed], [(1, "attempt 1"), (1, "attempt 2")])


def activity_retries_run_out(s):
    with tempfile.TemporaryDirectory() as folder:
        state = s.wait(s.start(retrying, {"folder": folder, "good": 9}), "FAILED")
        equal(attempts(folder, "flaky"), 3)
    equal(state.failure_details.error_type, "durabletask.task.TaskFailedError")
    assert "attempt 3" in state.failure_details.message, state.failure_details


@orchestrator
def flaky_child(ctx: task.OrchestrationContext, x: dict):
    return (yield ctx.call_activity(flaky, input=x))


@orchestrator
def retrying_parent(ctx: task.OrchestrationContext, x: dict):
    policy = task.RetryPolicy(max_number_of_attempts=3, **QUICK)
    return (yield ctx.call_sub_orchestrator(flaky_child, input=x, instance_id=x["child"], retry_policy=policy))


def sub_orchestration_retries(s):
    """W29: each attempt has the same child id, so that the failed child is replaced."""
    with tempfile.TemporaryDirectory() as folder:
        x = {"folder": folder, "good": 3, "child": s.id("child")}
        id = s.start(retrying_parent, x)
        equal(s.wait(id).get_output(), "attempt 3 of task 1")
    created = [e.instance_id for e in s.history(id) if type(e).__name__ == "SubOrchestrationInstanceCreatedEvent"]
    equal(created, [x["child"]] * 3)
    equal(s.wait(x["child"]).get_output(), "attempt 3 of task 1")


@orchestrator
def waiting_child(ctx: task.OrchestrationContext, _: Any):
    yield ctx.wait_for_external_event("Never")


@orchestrator
def taking(ctx: task.OrchestrationContext, taken: str):
    try:
        yield ctx.call_sub_orchestrator(waiting_child, instance_id=taken)
    except task.TaskFailedError as e:
        return str(e.details.error_type)


def sub_orchestration_with_a_live_id(s):
    """W29."""
    id = s.start(waiting_child, instance_id=s.id("taken"))
    s.reach(id, "RUNNING")
    assert s.run(taking, id)
    equal(s.reach(id, "RUNNING").runtime_status.name, "RUNNING")
    s.client.terminate_orchestration(id)


class Refusal(Exception):
    pass


@activity
def refusing(ctx: task.ActivityContext, text: str):
    try:
        raise KeyError("the cause")
    except KeyError as e:
        raise Refusal(text) from e


@orchestrator
def failing(ctx: task.OrchestrationContext, text: str):
    yield ctx.call_activity(refusing, input=text)


@orchestrator
def catching(ctx: task.OrchestrationContext, text: str):
    try:
        yield ctx.call_activity(refusing, input=text)
    except task.TaskFailedError as e:
        return [e.details.message, e.details.error_type, "refusing" in (e.details.stack_trace or ""), e.details.is_caused_by(Refusal)]


def failure_details(s):
    """W27: type, message, stack and cause survive unchanged."""
    message, kind, stack, is_refusal = s.run(catching, "no, ünlike this")
    equal(message, "no, ünlike this")
    assert kind.endswith("Refusal") and stack and is_refusal, (kind, stack, is_refusal)
    id = s.start(failing, "no")
    state = s.wait(id, "FAILED")
    inner = state.failure_details
    assert "no" in inner.message, inner
    failed = next(e for e in s.history(id) if type(e).__name__ == "TaskFailedEvent")
    assert failed.failure_details.error_type.endswith("Refusal"), failed


def failure_with_an_empty_message(s):
    state = s.wait(s.start(failing, ""), "FAILED")
    assert state.failure_details is not None


@orchestrator
def unknown_activity(ctx: task.OrchestrationContext, _: Any):
    try:
        # The server gives it to a worker that serves this name: none does.
        timeout = ctx.create_timer(timedelta(milliseconds=200))
        nobody = ctx.call_activity("nobody_has_this")
        winner = yield task.when_any([timeout, nobody])
        return winner is timeout
    except task.TaskFailedError:
        return "failed"


def activity_that_nobody_serves_waits(s):
    """W51."""
    equal(s.run(unknown_activity), True)


@orchestrator
def failing_child(ctx: task.OrchestrationContext, text: str):
    raise Refusal(text)


@orchestrator
def catching_parent(ctx: task.OrchestrationContext, text: str):
    try:
        yield ctx.call_sub_orchestrator(failing_child, input=text)
    except task.TaskFailedError as e:
        return [e.details.message, e.details.error_type]


def sub_orchestration_fails(s):
    """W30."""
    message, kind = s.run(catching_parent, "child says no")
    equal(message, "child says no")
    assert kind.endswith("Refusal"), kind
