"""The half of the example that is in Python: python worker.py [ADDRESS]"""

import sys
import threading

from durabletask import task
from durabletask.worker import TaskHubGrpcWorker


def word_count(ctx: task.ActivityContext, text: str) -> dict:
    """An activity that the orchestration Report in Go calls."""
    words = text.split()
    return {"words": len(words), "longest": max(words, key=len, default="")}


def headline(ctx: task.OrchestrationContext, text: str):
    """An orchestration that calls the activity Shout and the orchestration Report, both in Go."""
    shouted = yield ctx.call_activity("Shout", input=text)
    report = yield ctx.call_sub_orchestrator("Report", input=text)
    return f"{shouted} ({report})"


if __name__ == "__main__":
    worker = TaskHubGrpcWorker(host_address=sys.argv[1] if len(sys.argv) > 1 else "localhost:8080")
    worker.add_orchestrator(headline)
    worker.add_activity(word_count)
    # Ask for this only: orchestrations and activities in Go run in perdure itself.
    worker.use_work_item_filters()
    worker.start()
    threading.Event().wait()
