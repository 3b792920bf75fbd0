"""Inputs, outputs and statuses: null, empty, odd, big."""

import json
import urllib.request
from typing import Any

import grpc
from durabletask import task
from durabletask.client import TaskHubGrpcClient
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.payload.store import LargePayloadStorageOptions, PayloadStore
from google.protobuf import wrappers_pb2

import registry
from checks import equal
from perdure import until
from registry import activity, orchestrator
from scenarios.flow import plain


@activity
def mirror(ctx: task.ActivityContext, x: Any):
    return x


@orchestrator
def mirrored(ctx: task.OrchestrationContext, x: Any):
    return (yield ctx.call_activity(mirror, input=x))


def odd_values(s):
    for x in (None, "", 0, False, [], {}, "\u0000 \U0001f600", {"a": {"b": [1.5, None]}}, "{\"not\": \"parsed\"}"):
        equal(s.run(mirrored, x), x)


def null_and_empty(s):
    """W39: an absent payload and an empty one stay what they are."""
    stub = s.client._stub
    for suffix, value in (("null", None), ("empty", wrappers_pb2.StringValue(value="")), ("quotes", wrappers_pb2.StringValue(value='""'))):
        id = s.id(suffix)
        stub.StartInstance(pb.CreateInstanceRequest(instanceId=id, name="plain", input=value))
        s.wait(id)
        state = stub.GetInstance(pb.GetInstanceRequest(instanceId=id, getInputsAndOutputs=True)).orchestrationState
        equal(state.HasField("input"), value is not None, f"presence of the input {suffix}")
        if value is not None:
            equal(state.input.value, value.value)
        assert not state.HasField("customStatus"), state


@orchestrator
def telling(ctx: task.OrchestrationContext, _: Any):
    ctx.set_custom_status({"step": 1})
    yield ctx.wait_for_external_event("On")
    ctx.set_custom_status("")
    yield ctx.wait_for_external_event("On")
    return "end"


def custom_status(s):
    id = s.start(telling)
    s.status(id, {"step": 1})
    s.client.raise_orchestration_event(id, "On")
    s.status(id, "")
    s.client.raise_orchestration_event(id, "On")
    equal(s.wait(id).serialized_custom_status, '""')
    equal(s.client.get_orchestration_state(id, fetch_payloads=False).serialized_custom_status, '""')


def big_payloads(s):
    """Payloads beyond the limits of rows and chunks, whole."""
    for size in (100, 16 << 10, 300 << 10, 1 << 20):
        text = "x" * size
        id = s.start(mirrored, text)
        equal(len(s.wait(id).get_output()), size)
        equal([len(e.input) for e in s.history(id) if type(e).__name__ == "TaskScheduledEvent"], [size + 2])


@orchestrator
def many_big(ctx: task.OrchestrationContext, size: int):
    results = yield task.when_all([ctx.call_activity(mirror, input=str(n) * size) for n in range(8)])
    return [len(r) for r in results]


def big_history(s):
    """Some MB of history, still below what the SDK's channel accepts."""
    equal(s.run(many_big, 200 << 10), [200 << 10] * 8)


def history_beyond_the_channel(s):
    """W47: what the SDK's channel cannot take waits, with a reason; it disturbs nobody else and can be ended."""
    id = s.start(many_big, 1 << 20)
    until(lambda: "bytes in a work item" in _cause(s, id), "it is held for the size of its history")
    equal(s.run(plain, "others go on"), "others go on")
    s.client.terminate_orchestration(id, output="too much")
    equal(s.wait(id, "TERMINATED").get_output(), "too much")


def _cause(s, id: str) -> str:
    """Why a run is stuck, as the API tells."""
    with urllib.request.urlopen(f"http://{s.address}/api/v1/runs/{id}", timeout=10) as answer:
        run = json.load(answer)
    return run.get("phase_cause", "")


class _Shelf(PayloadStore):
    """A store for payloads in memory, which the tests' client and worker share."""

    options = LargePayloadStorageOptions(threshold_bytes=1000, enable_compression=False)

    def __init__(self):
        self.kept: dict[str, bytes] = {}

    def upload(self, data: bytes, *, instance_id: str | None = None) -> str:
        token = f"blob:v1:shelf:{len(self.kept)}"
        self.kept[token] = data
        return token

    def download(self, token: str) -> bytes:
        return self.kept[token]

    def is_known_token(self, value: str) -> bool:
        return value in self.kept

    async def upload_async(self, data: bytes, *, instance_id: str | None = None) -> str:
        return self.upload(data)

    async def download_async(self, token: str) -> bytes:
        return self.download(token)


@activity("shelf")
def shelved(ctx: task.ActivityContext, x: str):
    return x + x


@orchestrator("shelf")
def shelving(ctx: task.OrchestrationContext, x: str):
    return (yield ctx.call_activity(shelved, input=x))


def payloads_kept_elsewhere(s):
    """Large payloads that the SDK keeps in a store of its own pass as tokens."""
    shelf = _Shelf()
    with registry.worker(s.address, "shelf", payload_store=shelf) as w:
        w.start()
        c = TaskHubGrpcClient(host_address=s.address, payload_store=shelf, logger=registry.QUIET)
        id = c.schedule_new_orchestration(shelving, input="x" * 5000)
        equal(c.wait_for_orchestration_completion(id, timeout=30).get_output(), "x" * 10000)
        equal(s.client.get_orchestration_state(id).serialized_output[:8], "blob:v1:")
        assert len(shelf.kept) >= 3, shelf.kept.keys()


def payload_beyond_the_limit(s):
    """Refused before anything is started, naming the limit."""
    id = s.id("huge")
    try:
        s.start(plain, "x" * (40 << 20), instance_id=id)
        raise AssertionError("40 MB were accepted")
    except grpc.RpcError as e:
        assert e.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED), e
    equal(s.client.get_orchestration_state(id), None)
