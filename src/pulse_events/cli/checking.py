"""Settings whose broker address is checked too, with the place that it came from in the error."""

from collections.abc import Mapping

from pulse_events.brokers.addresses import check_address
from pulse_events.configuration.loading import load_settings, place_of
from pulse_events.configuration.settings import Settings
from pulse_events.errors import SettingsError


def checked_settings(options: Mapping[str, str | tuple[str, ...] | None]) -> Settings:
    """Return the settings of this process.

    Args:
        options: Flags by field name; ``None`` or an empty tuple for those that were not given.

    Raises:
        SettingsError: See `load_settings`; also for a broker that is no address.
    """
    given = {
        name: " ".join(value) if isinstance(value, tuple) else value
        for name, value in options.items()
        if value not in (None, ())
    }
    settings = load_settings(given)
    try:
        check_address(settings.broker)
    except SettingsError as error:
        file = settings.broker_file
        place = f"the broker file {file}" if file else place_of("broker", given)
        raise SettingsError(f"{place}: {error}") from None
    return settings
