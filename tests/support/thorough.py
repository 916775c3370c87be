"""How much hypothesis tries: all of it in `make test`, the profile's share in `make quick`."""

from hypothesis import settings

_FULL = 100
"""What hypothesis tries where a test names no number and the profile is not a smaller one."""


def examples(full: int) -> int:
    """Return the share of ``full`` that the profile asks for; all of it without a profile."""
    return max(1, full * settings().max_examples // _FULL)
