"""The suite's clients and workers, and what these run: orchestrations, activities and entities, by group.

A worker takes the groups that it is told to take and asks the server for these
only, so that scenarios which kill their worker do not disturb the others.
"""

import logging
from collections import defaultdict
from typing import Any, Callable

import grpc
from durabletask import client as clients
from durabletask import worker as workers
from durabletask.azuremanaged.client import DurableTaskSchedulerClient
from durabletask.azuremanaged.worker import DurableTaskSchedulerWorker
from durabletask.grpc_options import GrpcChannelOptions, GrpcWorkerResiliencyOptions

from perdure import until

MAIN = "main"
QUIET = logging.Logger("quiet", logging.CRITICAL)
# A killed server is back within a second; the usual pauses are longer than the tests.
QUICK = GrpcChannelOptions(raw_options=[
    (f"grpc.{name}_reconnect_backoff_ms", 100) for name in ("initial", "min", "max")])

orchestrators: dict[str, list[Callable[..., Any]]] = defaultdict(list)
activities: dict[str, list[Callable[..., Any]]] = defaultdict(list)
entities: dict[str, list[Any]] = defaultdict(list)


def _register(table: dict[str, list[Any]], what: Any) -> Any:
    """Lets a decorator be used with a group, @orchestrator("group"), or bare."""
    if isinstance(what, str):
        return lambda fn: _register_in(table, what, fn)
    return _register_in(table, MAIN, what)


def _register_in(table: dict[str, list[Any]], group: str, fn: Any) -> Any:
    table[group].append(fn)
    return fn


def orchestrator(what: Any) -> Any:
    return _register(orchestrators, what)


def activity(what: Any) -> Any:
    return _register(activities, what)


def entity(what: Any) -> Any:
    return _register(entities, what)


def worker(address: str, *groups: str, filters: bool = True, hub: str = "", **options: Any) -> workers.TaskHubGrpcWorker:
    """Returns a worker for the groups, not yet started.

    With filters it asks for their work only. With a hub it is the worker for
    Microsoft's scheduler, which names a hub and identifies itself.
    """
    options.setdefault("logger", QUIET)
    options.setdefault("channel_options", QUICK)
    options.setdefault("resiliency_options", GrpcWorkerResiliencyOptions(
        reconnect_backoff_base_seconds=0.1, reconnect_backoff_cap_seconds=0.5))
    if hub:
        w = DurableTaskSchedulerWorker(
            host_address=address, taskhub=hub, token_credential=None, secure_channel=False, **options)
    else:
        w = workers.TaskHubGrpcWorker(host_address=address, **options)
    for group in groups:
        for o in orchestrators[group]:
            w.add_orchestrator(o)
        for a in activities[group]:
            w.add_activity(a)
        for e in entities[group]:
            w.add_entity(e)
    if filters:
        w.use_work_item_filters()
    return w


def client(address: str, hub: str = "") -> clients.TaskHubGrpcClient:
    if hub:
        return DurableTaskSchedulerClient(
            host_address=address, taskhub=hub, token_credential=None, secure_channel=False, logger=QUIET, channel_options=QUICK)
    return clients.TaskHubGrpcClient(host_address=address, logger=QUIET, channel_options=QUICK)


def reconnected(address: str) -> clients.TaskHubGrpcClient:
    """Returns a client of a server that has just been restarted, once it answers."""
    c = client(address)

    def answers() -> bool:
        try:
            c.get_orchestration_state("none")
            return True
        except grpc.RpcError as e:
            if e.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            return False

    until(answers, f"{address} answers")
    return c
