"""The scenarios, by topic. Each function whose name does not begin with an underscore and that takes `s` is one."""

import inspect
from typing import Any, Iterator

from . import control, crashes, entities, events, flow, management, payloads, retries, versions


def everything() -> Iterator[tuple[str, Any]]:
    # The slowest first, so that they do not stand at the end alone.
    for module in (crashes, versions, management, control, entities, retries, events, flow, payloads):
        for name, fn in inspect.getmembers(module, inspect.isfunction):
            if fn.__module__ == module.__name__ and list(inspect.signature(fn).parameters) == ["s"]:
                yield name, fn
