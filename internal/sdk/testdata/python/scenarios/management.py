"""What clients see and do around orchestrations: queries, lists, starts, waits, purges by filter."""

import threading
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import grpc
from durabletask import client as sdk
from durabletask import task
from durabletask.internal import orchestrator_service_pb2 as pb

import registry
from checks import equal, now
from registry import orchestrator
from scenarios.events import three_events
from scenarios.flow import plain


def _query(s, **options) -> list[sdk.OrchestrationState]:
    options.setdefault("instance_id_prefix", s.prefix)
    return s.client.get_all_orchestration_states(sdk.OrchestrationQuery(**options))


def query(s):
    """W40: prefix, status, range of creation, paging, payloads."""
    before = now()
    ids = [s.start(plain, n, instance_id=s.id(f"{n:02}")) for n in range(25)]
    running = s.start(three_events, instance_id=s.id("waits"))
    for id in ids:
        s.wait(id)
    s.reach(running, "RUNNING")
    after = now()
    equal(sorted(x.instance_id for x in _query(s)), sorted([*ids, running]))
    equal(sorted(x.instance_id for x in _query(s, max_instance_count=4)), sorted([*ids, running]), "the pages together")
    equal([x.instance_id for x in _query(s, runtime_status=[sdk.OrchestrationStatus.RUNNING])], [running])
    equal(len(_query(s, instance_id_prefix=s.id("1"))), 10)
    equal(len(_query(s, created_time_from=before - timedelta(seconds=1), created_time_to=after + timedelta(seconds=1))), 26)
    equal(_query(s, created_time_to=before - timedelta(seconds=1)), [])
    equal({x.serialized_output for x in _query(s)}, {None}, "outputs that were not asked for")
    outputs = {x.get_output() for x in _query(s, fetch_inputs_and_outputs=True, runtime_status=[sdk.OrchestrationStatus.COMPLETED])}
    equal(outputs, set(range(25)))
    s.client.terminate_orchestration(running)


def list_instance_ids(s):
    """W41: ended ones only, by time of completion, in pages."""
    since = datetime.now(timezone.utc) - timedelta(seconds=1)
    ids = []
    for n in range(7):
        ids.append(s.start(plain, n, instance_id=s.id(str(n))))
        s.wait(ids[-1])
    running = s.start(three_events, instance_id=s.id("waits"))
    s.reach(running, "RUNNING")
    got, token = [], None
    while True:
        page = s.client.list_instance_ids(completed_time_from=since, page_size=3, continuation_token=token)
        got += page.items
        if not page.continuation_token or not page.items:
            break
        token = page.continuation_token
    equal([id for id in got if id.startswith(s.prefix)], ids)
    equal(len(got), len(set(got)), "ids without repetition")
    s.client.terminate_orchestration(running)


def tags_and_version(s):
    """W38, W28: tags and version survive and reach the history."""
    id = s.start(plain, tags={"team": "a", "ü": ""}, version="2.0")
    s.wait(id)
    started = s.history(id)[1]
    equal((started.tags, started.version), ({"team": "a", "ü": ""}, "2.0"))
    state = s.client._stub.GetInstance(pb.GetInstanceRequest(instanceId=id)).orchestrationState
    equal((dict(state.tags), state.version.value), ({"team": "a", "ü": ""}, "2.0"))
    assert state.HasField("completedTimestamp") and state.HasField("executionId"), state


def scheduled_start(s):
    """W19: PENDING until due; in the past is now."""
    due = datetime.now(timezone.utc) + timedelta(seconds=1)
    id = s.start(plain, 1, start_at=due)
    equal(s.client.get_orchestration_state(id).runtime_status.name, "PENDING")
    equal(s.wait(id).get_output(), 1)
    started = s.history(id)[1]
    assert started.timestamp.replace(tzinfo=timezone.utc) >= due - timedelta(milliseconds=1) or \
        s.history(id)[0].timestamp.replace(tzinfo=timezone.utc) >= due, s.history(id)[:2]
    equal(s.run(plain, 2, start_at=datetime(1970, 1, 1, tzinfo=timezone.utc)), 2)


def _policy(*statuses: int) -> pb.OrchestrationIdReusePolicy:
    return pb.OrchestrationIdReusePolicy(replaceableStatus=statuses)


def reuse_policies(s):
    """W36."""
    again = lambda id, policy=None: s.start(plain, "new", instance_id=id, reuse_id_policy=policy)
    exists = grpc.StatusCode.ALREADY_EXISTS
    ended, live = s.start(plain, "old"), s.start(three_events)
    s.wait(ended)
    s.reach(live, "RUNNING")
    for id in (ended, live):
        s.refused(exists, again, id)
        s.refused(exists, again, id, _policy())
        s.refused(exists, again, id, _policy(pb.ORCHESTRATION_STATUS_FAILED))
    equal(again(ended, _policy(pb.ORCHESTRATION_STATUS_COMPLETED)), ended)
    equal(s.wait(ended).get_output(), "new")
    message = s.refused(grpc.StatusCode.INVALID_ARGUMENT, again, live, _policy(pb.ORCHESTRATION_STATUS_RUNNING))
    assert message.startswith("Invalid reusable statuses: cannot exclude 'Terminated' while also allowing reuse of running instances"), message
    again(live, _policy(pb.ORCHESTRATION_STATUS_RUNNING, pb.ORCHESTRATION_STATUS_TERMINATED))
    equal(s.wait(live).get_output(), "new")


def ids_that_are_refused(s):
    """W37, and ids of entities."""
    message = s.refused(grpc.StatusCode.INVALID_ARGUMENT, s.start, plain, instance_id="x" * 101)
    assert "length" in message, message
    s.refused(grpc.StatusCode.INVALID_ARGUMENT, s.start, plain, instance_id="@counter@x")
    equal(s.run(plain, 1, instance_id=s.id("ü" * 60)[:100]), 1)


@orchestrator
def signalled(ctx: task.OrchestrationContext, _: Any):
    return (yield ctx.wait_for_external_event("Go"))


def waits(s):
    """W20: limits of waits are the caller's; the end is told within milliseconds; a wait may come before the start."""
    id = s.start(signalled)
    s.client.wait_for_orchestration_start(id, timeout=10)
    for wait in (lambda: s.client.wait_for_orchestration_completion(id, timeout=0.2),
                 lambda: s.client.wait_for_orchestration_start(s.id("none"), timeout=0.2)):
        began = time.monotonic()
        try:
            wait()
            raise AssertionError("the wait ended")
        except TimeoutError:
            assert time.monotonic() - began < 2
    early = s.id("early")
    done: dict[str, Any] = {}

    def watch(id: str) -> None:
        done[id] = (s.client.wait_for_orchestration_completion(id, timeout=20), time.monotonic())

    threads = [threading.Thread(target=watch, args=(x,)) for x in (id, early)]
    for t in threads:
        t.start()
    s.client.raise_orchestration_event(id, "Go", data=1)
    s.start(plain, 2, instance_id=early)
    for t in threads:
        t.join(25)
    equal({x: done[x][0].get_output() for x in done}, {id: 1, early: 2})


def unknown_instances(s):
    """Reads of what is not there say so without an error."""
    equal(s.client.get_orchestration_state(s.id("none")), None)
    equal(s.client.get_orchestration_state("@counter@none"), None)
    equal(s.history(s.id("none")), [])
    equal(s.client.purge_orchestration(s.id("none")).deleted_instance_count, 0)


def purge_by_filter(s):
    """W42, on a server of its own, as the filter has no prefix."""
    with s.server() as server:
        with registry.worker(server.address, registry.MAIN, filters=False) as w:
            w.start()
            c = registry.client(server.address)
            ids = [c.schedule_new_orchestration(plain, input=n) for n in range(20)]
            for id in ids:
                c.wait_for_orchestration_completion(id)
            live = c.schedule_new_orchestration(three_events)
            c.wait_for_orchestration_start(live)
            purge = c.purge_orchestrations_by
            equal(purge(created_time_to=datetime.now(timezone.utc) - timedelta(hours=1)).deleted_instance_count, 0)
            equal(purge(runtime_status=[sdk.OrchestrationStatus.FAILED]).deleted_instance_count, 0)
            result = purge(created_time_from=datetime.now(timezone.utc) - timedelta(hours=1), timeout=timedelta(seconds=20))
            equal((result.deleted_instance_count, result.is_complete), (20, True))
            equal([x.instance_id for x in c.get_all_orchestration_states()], [live])


def unknown_hub(s):
    """W2: the metadata's hub is what counts; a client that names none is in `default`."""
    c = registry.client(s.address, hub="no-such-hub")
    s.refused(grpc.StatusCode.NOT_FOUND, c.get_orchestration_state, "x")
    id = s.start(plain, 1)
    s.wait(id)
    equal(registry.client(s.address, hub="default").get_orchestration_state(id).get_output(), 1)


def scheduler_package(s):
    """durabletask.azuremanaged: client and worker for Microsoft's scheduler, which identify themselves."""
    with registry.worker(s.address, "azure", hub="default") as w:
        w.start()
        c = registry.client(s.address, hub="default")
        id = c.schedule_new_orchestration("azure_timer", input=3)
        equal(c.wait_for_orchestration_completion(id, timeout=20).get_output(), 3)


@orchestrator("azure")
def azure_timer(ctx: task.OrchestrationContext, x: Any):
    yield ctx.create_timer(timedelta(milliseconds=30))
    return x


def asyncio_client(s):
    """The client for asyncio, whose channel is another one."""
    import asyncio

    async def run() -> Any:
        c = sdk.AsyncTaskHubGrpcClient(host_address=s.address, logger=registry.QUIET)
        id = await c.schedule_new_orchestration(plain, input="async")
        state = await c.wait_for_orchestration_completion(id, timeout=20)
        events = await c.get_orchestration_history(id)
        await c.close()
        return state.get_output(), len(events)

    equal(asyncio.run(run()), ("async", 3))
