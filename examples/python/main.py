"""Starts an order, which worker.py runs, and pays for it.

    python main.py [ADDRESS]
"""

import sys

from durabletask.client import TaskHubGrpcClient

client = TaskHubGrpcClient(host_address=sys.argv[1] if len(sys.argv) > 1 else "localhost:8080")

id = client.schedule_new_orchestration("order", input=["lamp", "rope"])
client.wait_for_orchestration_start(id)
print("order", id, flush=True)
# Worker and perdure may be stopped and started again here: the order goes on.
client.raise_orchestration_event(id, "Paid", data="card")
print(client.wait_for_orchestration_completion(id).get_output())
