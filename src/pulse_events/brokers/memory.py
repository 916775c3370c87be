"""The embedded broker, ``memory:``: topic exchanges inside the process, for demos and tests.

An exchange exists as soon as it is named.  Keeps no message: what nobody has bound is gone.
"""

import asyncio

from pulse_events.bindings import Binding
from pulse_events.brokers import EMBEDDED
from pulse_events.brokers.failures import lose
from pulse_events.errors import BindingRefused
from pulse_events.hub.ports import Health, Listener, Waiting
from pulse_events.messages import DEFAULT_LIMIT_BYTES, Message, omission
from pulse_events.topics.cache_limit import CacheLimit
from pulse_events.topics.index import OddKeys, TopicIndex
from pulse_events.topics.patterns import canonical

_NO_NAME = "exchange '': access is refused (the default exchange takes no bindings)"
_STOPPED = Health(connected=False, reason="the embedded broker does not run")


class Memory:
    """A `Broker` without a server; it matches and answers as RabbitMQ does."""

    exact = None
    """See `Broker.exact`: all exchanges are topic exchanges."""

    def __init__(self, body_limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        """Make one without bindings; longer bodies than ``body_limit_bytes`` are left out."""
        self._body_limit_bytes = body_limit_bytes
        self._bound: dict[Binding, None] = {}
        self._unanswered: set[Binding] = set()
        self._indexes: dict[str, TopicIndex[Binding]] = {}
        self._answers = CacheLimit()
        self._listener: Listener | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def name(self) -> str:
        """What ``--broker`` says."""
        return EMBEDDED

    @property
    def public_name(self) -> str:
        """The same."""
        return EMBEDDED

    @property
    def health(self) -> Health:
        """Connected as long as `run` runs."""
        return Health(connected=True) if self._listener else _STOPPED

    def bind(self, binding: Binding, owner: str = "") -> None:
        """See `Broker.bind`; in force at once, answered in the next turn of the loop.

        Refused is the exchange without a name: RabbitMQ's default exchange takes no bindings.
        """
        self._bound[binding] = None
        if binding.exchange:
            index = self._indexes.setdefault(binding.exchange, TopicIndex(self._answers))
            index.add(canonical(binding.pattern), binding)
        self._unanswered.add(binding)
        if self._loop:
            self._loop.call_soon(self._answer, binding)

    def unbind(self, binding: Binding) -> None:
        """See `Broker.unbind`; what is not bound is left alone, as RabbitMQ does."""
        if binding not in self._bound:
            return
        del self._bound[binding]
        self._unanswered.discard(binding)
        index = self._indexes.get(binding.exchange)
        if index:
            index.remove(canonical(binding.pattern), binding)
            if not index:
                del self._indexes[binding.exchange]

    def outstanding(self, owner: str) -> int:
        """See `Broker.outstanding`; what is bound is in force at once."""
        return 0

    def waiting(self) -> Waiting:
        """See `Broker.waiting`."""
        return Waiting()

    def publish(self, message: Message) -> None:
        """Deliver ``message`` at once, and once, if any of its keys matches any binding.

        That its listener fails is no fault of who published it.
        """
        index = self._indexes.get(message.exchange)
        if index and self._listener and _is_wanted(index, message):
            message = self._shortened(message)
            try:
                self._listener.publish(message)
            except Exception as error:
                lose(self._listener, message, error)

    def _shortened(self, message: Message) -> Message:
        size = len(message.body)
        if size <= self._body_limit_bytes:
            return message
        return message._replace(body=b"", omitted=omission(size, self._body_limit_bytes))

    async def run(self, listener: Listener) -> None:
        """Deliver to ``listener`` until cancelled; first answers what was bound before."""
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        for binding in tuple(self._bound):
            self.bind(binding)
        try:
            await self._loop.create_future()
        finally:
            self._listener = self._loop = None

    def _answer(self, binding: Binding) -> None:
        """Say what became of ``binding``, unless it was unbound or answered meanwhile."""
        if self._listener is None or binding not in self._unanswered:
            return
        self._unanswered.discard(binding)
        if binding.exchange:
            self._listener.confirmed(binding)
        else:
            del self._bound[binding]
            self._listener.refused(binding, BindingRefused(_NO_NAME))


def _is_wanted(index: TopicIndex[Binding], message: Message) -> bool:
    """Tell whether any key matches; of keys that are odd the listener decides, and counts them."""
    try:
        return bool(index.match(message.routing_key, message.cc))
    except OddKeys:
        return True
