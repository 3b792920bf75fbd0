"""Talks to the durable agents that worker.py runs.

    python main.py [ADDRESS]
"""

import sys

from agent_framework_durabletask import DurableAIAgentClient, DurableWorkflowClient
from durabletask.client import TaskHubGrpcClient

client = TaskHubGrpcClient(host_address=sys.argv[1] if len(sys.argv) > 1 else "localhost:8080")

# A conversation: the session keeps it, over restarts of the worker and of perdure.
joker = DurableAIAgentClient(client, poll_interval_seconds=0.2).get_agent("Joker")
session = joker.create_session()
print("Joker:", joker.run("Tell me a joke about a pirate.", session=session).text)
print("Joker:", joker.run("school", session=session).text)

# An orchestration that has an agent write and then waits for a person.
for approved in (True, False):
    id = client.schedule_new_orchestration("content_approval_workflow", input="durable agents")
    client.raise_orchestration_event(id, "ApprovalDecision", data=approved)
    print("Workflow:", client.wait_for_orchestration_completion(id).get_output())

# A workflow of the framework: two agents and a step without a model.
workflows = DurableWorkflowClient(client, workflow_name="article")
print("Article:", *workflows.await_workflow_output(workflows.start_workflow(input="durable agents")))
