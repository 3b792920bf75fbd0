"""Runs the scenarios against a perdure server and reports each by a line.

    python suite.py BINARY ADDRESS [NAME...]

BINARY is perdure's; ADDRESS is that of a server which already runs and which
most scenarios share. The first line is `plan COUNT`; a line is `ok NAME SECONDS` or `not ok NAME SECONDS`,
followed by the reason.
"""

import inspect
import logging
import sys
import threading
import time
import traceback
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from durabletask import client as sdk
from durabletask import history
from durabletask.worker import ConcurrencyOptions

import registry
import scenarios
from perdure import Server, WorkerProcess, until

PARALLEL = 16


class Scenario:
    """What a scenario is given: a client and a name space of its own."""

    def __init__(self, name: str, binary: str, address: str):
        self.name, self.binary, self.address = name, binary, address
        self.prefix = f"{name}-{uuid.uuid4().hex[:6]}"
        self.client = registry.client(address)

    def id(self, suffix: str) -> str:
        """An instance id that no other scenario and no other run uses."""
        return f"{self.prefix}-{suffix}"

    def start(self, orchestrator: Any, input: Any = None, **options: Any) -> str:
        return self.client.schedule_new_orchestration(orchestrator, input=input, **options)

    def wait(self, id: str, status: str = "COMPLETED", timeout: float = 30) -> sdk.OrchestrationState:
        """Waits for the end and checks the status."""
        state = self.client.wait_for_orchestration_completion(id, timeout=timeout)
        assert state is not None, f"{id} does not exist"
        assert state.runtime_status.name == status, f"{id} ended {state.runtime_status.name}, not {status}: {state.failure_details}"
        return state

    def run(self, orchestrator: Any, input: Any = None, **options: Any) -> Any:
        """Runs to completion and returns the output."""
        return self.wait(self.start(orchestrator, input, **options)).get_output()

    def reach(self, id: str, *statuses: str) -> sdk.OrchestrationState:
        """Polls until the instance has one of the statuses."""
        def there() -> Any:
            state = self.client.get_orchestration_state(id)
            return state if state and state.runtime_status.name in statuses else None
        return until(there, f"{id} reaches {statuses}")

    def status(self, id: str, custom: Any) -> None:
        """Polls until the instance shows this custom status."""
        def shown() -> bool:
            state = self.client.get_orchestration_state(id)
            return state is not None and state.get_custom_status() == custom
        until(shown, f"{id} shows the custom status {custom!r}")

    def history(self, id: str, execution: str | None = None) -> list[history.HistoryEvent]:
        return self.client.get_orchestration_history(id, execution_id=execution)

    def events(self, id: str) -> list[str]:
        """The history's events by name, without the suffix Event."""
        return [type(e).__name__.removesuffix("Event") for e in self.history(id)]

    def refused(self, code: grpc.StatusCode, call: Any, *args: Any, **options: Any) -> str:
        """Calls, expects the status code and returns the message."""
        try:
            got = call(*args, **options)
        except grpc.RpcError as e:
            assert e.code() == code, f"refused with {e.code()}, not {code}: {e.details()}"
            return e.details()
        raise AssertionError(f"answered {got!r}, not {code}")

    def server(self) -> Server:
        """A server of the scenario's own, to be killed."""
        return Server(self.binary)

    def at(self, server: Server) -> "Scenario":
        """The same scenario at another server."""
        return Scenario(self.name, self.binary, server.address)

    def worker(self, *groups: str) -> WorkerProcess:
        """A worker process of the scenario's own, to be killed."""
        return WorkerProcess(self.address, *groups)


def main(binary: str, address: str, *names: str) -> int:
    logging.disable(logging.ERROR)
    chosen = {n: f for n, f in scenarios.everything() if not names or n in names}
    worker = registry.worker(address, registry.MAIN, concurrency_options=ConcurrencyOptions(maximum_thread_pool_workers=PARALLEL))
    worker.configure_scheduled_tasks()
    worker.start()
    failed, printing = [], threading.Lock()
    print("plan", len(chosen), flush=True)

    def run(name: str, fn: Any) -> None:
        began, reason = time.monotonic(), ""
        try:
            fn(Scenario(name, binary, address))
        except BaseException:
            reason = traceback.format_exc()
        with printing:
            print("not ok" if reason else "ok", name, f"{time.monotonic() - began:.2f}", flush=True)
            if reason:
                failed.append(name)
                print(inspect.cleandoc(reason), flush=True)

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(lambda item: run(*item), chosen.items()))
    worker.stop()
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
