"""The same client and the same kind of orchestration, with agents that perdure hosts.

    python go_agents.py [ADDRESS]

`perdure dev` has an agent Joker, in Go. Each call of its model and of its tools is
recorded by itself; Microsoft's package in Python cannot tell the difference.
"""

import sys

from agent_framework_durabletask import DurableAIAgentClient, DurableAIAgentOrchestrationContext
from durabletask import task
from durabletask.client import TaskHubGrpcClient
from durabletask.worker import TaskHubGrpcWorker


def two_jokes(context: task.OrchestrationContext, topic: str):
    joker = DurableAIAgentOrchestrationContext(context).get_agent("Joker")
    session = joker.create_session()
    first = yield joker.run(f"Tell me a joke about {topic}.", session=session)
    second = yield joker.run("Another one.", session=session)
    return [first.text, second.text]


if __name__ == "__main__":
    address = sys.argv[1] if len(sys.argv) > 1 else "localhost:8080"
    client = TaskHubGrpcClient(host_address=address)

    joker = DurableAIAgentClient(client, poll_interval_seconds=0.2).get_agent("Joker")
    print("Joker:", joker.run("Tell me a joke about a pirate.").text)

    worker = TaskHubGrpcWorker(host_address=address)
    worker.add_orchestrator(two_jokes)
    worker.use_work_item_filters()  # the agents are served by perdure itself
    with worker:
        worker.start()
        id = client.schedule_new_orchestration(two_jokes, input="databases")
        for text in client.wait_for_orchestration_completion(id).get_output():
            print("Workflow:", text)
