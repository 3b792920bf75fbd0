"""A worker process: python worker.py ADDRESS HUB GROUP..."""

import logging
import sys
import threading

import registry
import scenarios  # noqa: F401, registers everything

logging.disable(logging.INFO)

if __name__ == "__main__":
    registry.worker(sys.argv[1], *sys.argv[3:], hub=sys.argv[2]).start()
    threading.Event().wait()
