"""What a shell completes beside commands and options."""

import click


def complete_binding(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return bindings to all of Taskcluster's exchanges whose names begin so."""
    from pulse_events.catalogue import load_catalogue

    return [f"{each.name}=#" for each in load_catalogue() if each.name.startswith(incomplete)]
