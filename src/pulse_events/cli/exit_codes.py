"""What the commands end with; one table for all of them is in docs/reference.md."""

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_GAP = 3
EXIT_EXCEPTION = 3
"""Of ``wait``: the task ended as an exception."""
EXIT_TIME_LIMIT = 124
"""As of timeout(1)."""
EXIT_INTERRUPTED = 130
