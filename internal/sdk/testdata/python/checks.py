"""What the scenarios check with."""

import json
import os
from datetime import datetime, timezone
from typing import Any

from durabletask.client import TaskHubGrpcClient
from durabletask.entities import EntityInstanceId


def equal(got: Any, want: Any, what: str = "") -> None:
    assert got == want, f"{what or 'it'} is\n  {got!r}\nnot\n  {want!r}"


def now() -> datetime:
    """The time as the SDK's timestamps have it: UTC without a zone."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


def attempt(folder: str, name: str) -> int:
    """Counts the attempts of something, over processes: 1 for the first."""
    n = 1
    while True:
        try:
            os.close(os.open(os.path.join(folder, f"{name}.{n}"), os.O_CREAT | os.O_EXCL))
            return n
        except FileExistsError:
            n += 1


def attempts(folder: str, name: str) -> int:
    """Tells how many attempts were counted."""
    return sum(f.rpartition(".")[0] == name for f in os.listdir(folder))


def state(client: TaskHubGrpcClient, id: EntityInstanceId) -> Any:
    """An entity's state, None if there is no such entity."""
    entity = client.get_entity(id)
    return json.loads(entity.get_state()) if entity else None
