"""Where log lines go and what they look like.  Called once, at the start of a process."""

import logging
import sys

from dockerflow.logging import JsonLogFormatter


def configure_logging(level: str, form: str) -> None:
    """Log to stderr, from ``level`` on, as ``text`` or as ``json`` (mozlog, Dockerflow)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonLogFormatter(logger_name="pulse-events")
        if form == "json"
        else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # pika reports what we report again, in more words; it matters when it is being debugged.
    logging.getLogger("pika").setLevel("DEBUG" if level == "debug" else "CRITICAL")
