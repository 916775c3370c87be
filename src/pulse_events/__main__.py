"""``python -m pulse_events``: the same program as ``pulse-events``."""

from pulse_events.cli import main

if __name__ == "__main__":
    main()
