"""`monetize …`: the command line. Heavy imports stay inside the commands, so that help is there at once.

Results go to stdout; progress and errors to stderr, with exit code 1 (2 for wrong usage), never a stack trace.
"""

from monetization_pipeline.cli import bringing, looking, making, starting
from monetization_pipeline.cli.group import main

__all__ = ["bringing", "looking", "main", "making", "starting"]
