"""What the address of a broker says before anything is opened; loads no broker."""

from pulse_events.brokers import EMBEDDED
from pulse_events.brokers.rabbitmq.address import parse_address


def check_address(url: str) -> None:
    """Do nothing if ``url`` names a broker.

    Raises:
        SettingsError: It names none; the text repeats no password.
    """
    if not is_inside(url):
        parse_address(url)


def is_inside(url: str) -> bool:
    """Tell whether the broker is inside the server, so that no other program reaches it."""
    return url == EMBEDDED
