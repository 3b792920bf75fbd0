"""An order in Python, with Microsoft's SDK, kept by perdure.

    python worker.py [ADDRESS]
"""

import sys
import threading
from datetime import timedelta

from durabletask import entities, task
from durabletask.worker import TaskHubGrpcWorker


def order(ctx: task.OrchestrationContext, items: list[str]):
    """Reserves all items at the same time, waits for the payment, then ships."""
    places = yield task.when_all([ctx.call_activity(reserve, input=item) for item in items])

    ctx.set_custom_status("waits for the payment")
    payment = ctx.wait_for_external_event("Paid")
    too_late = ctx.create_timer(timedelta(days=3))
    if (yield task.when_any([payment, too_late])) is too_late:
        return "cancelled: nobody paid within three days"

    stock = entities.EntityInstanceId("stock", "warehouse")
    shipped = yield ctx.call_entity(stock, "take", len(items))
    return f"paid by {payment.get_result()}, shipped from {', '.join(places)}; {shipped} items so far"


def reserve(ctx: task.ActivityContext, item: str) -> str:
    print("reserving", item, flush=True)
    return f"shelf {sum(item.encode()) % 10}"


def stock(ctx: entities.EntityContext, count: int) -> int:
    """How many items have left the warehouse: one operation at a time, durable."""
    total = ctx.get_state(int, 0) + count
    ctx.set_state(total)
    return total


if __name__ == "__main__":
    worker = TaskHubGrpcWorker(host_address=sys.argv[1] if len(sys.argv) > 1 else "localhost:8080")
    worker.add_orchestrator(order)
    worker.add_activity(reserve)
    worker.add_entity(stock)
    worker.start()
    threading.Event().wait()
