"""Microsoft's durable agents, run by Microsoft's packages, kept by perdure.

    python worker.py [ADDRESS]
"""

import sys
import threading
from datetime import timedelta

from agent_framework import Agent, AgentExecutorResponse, Executor, WorkflowBuilder, WorkflowContext, handler
from agent_framework_durabletask import DurableAIAgentOrchestrationContext, DurableAIAgentWorker
from durabletask import task
from durabletask.worker import TaskHubGrpcWorker

from scripted import ScriptedChatClient

joker = Agent(
    client=ScriptedChatClient("Why did the pirate go to school? To improve his arrrticulation.", "Because {} is no joke."),
    instructions="You are good at telling jokes.",
    name="Joker",
)

writer = Agent(
    client=ScriptedChatClient("An article. {}."),
    instructions="You write articles.",
    name="ContentGenerationAgent",
)


critic = Agent(
    client=ScriptedChatClient("Too short: {}"),
    instructions="You find what is wrong.",
    name="Critic",
)


class Publish(Executor):
    """A step of a workflow without a model."""

    @handler
    async def publish(self, critique: AgentExecutorResponse, ctx: WorkflowContext[None, str]) -> None:
        await ctx.yield_output(f"published in spite of: {critique.agent_response.text.strip()}")


# A workflow: its agents become entities, its other steps activities.
publish = Publish(id="publish")
article = WorkflowBuilder(name="article", start_executor=writer).add_edge(writer, critic).add_edge(critic, publish).build()


def content_approval_workflow(context: task.OrchestrationContext, topic: str):
    content_agent = DurableAIAgentOrchestrationContext(context).get_agent("ContentGenerationAgent")
    draft = yield content_agent.run(f"Write an article about {topic}")

    yield context.call_activity(notify_reviewer, input=draft.text)
    approval_event = context.wait_for_external_event("ApprovalDecision")
    timeout_task = context.create_timer(timedelta(hours=24))
    winner = yield task.when_any([approval_event, timeout_task])
    if winner is timeout_task:
        return (yield context.call_activity(escalate_for_review, input=draft.text))
    timeout_task.cancel()
    if not approval_event.get_result():
        return "Content rejected"
    return (yield context.call_activity(publish_content, input=draft.text))


def notify_reviewer(_: task.ActivityContext, content: str) -> None:
    print(f"to review: {content}", flush=True)


def publish_content(_: task.ActivityContext, content: str) -> str:
    return f"published: {content}"


def escalate_for_review(_: task.ActivityContext, content: str) -> str:
    return f"escalated: {content}"


if __name__ == "__main__":
    worker = TaskHubGrpcWorker(host_address=sys.argv[1] if len(sys.argv) > 1 else "localhost:8080")
    worker.add_orchestrator(content_approval_workflow)
    for activity in (notify_reviewer, publish_content, escalate_for_review):
        worker.add_activity(activity)
    agents = DurableAIAgentWorker(worker)
    agents.add_agent(joker)
    agents.add_agent(writer)
    agents.configure_workflow(article)
    agents.start()
    threading.Event().wait()
