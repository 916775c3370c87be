"""What is posted: binding lists for tokens, and messages for the embedded broker."""

from http import HTTPStatus

from aiohttp import web

from pulse_events.errors import AddressLimitReached, InputError
from pulse_events.web.answers import error_answer, json_answer
from pulse_events.web.bodies import BODY_LIMIT_BYTES, parse_message, read_body
from pulse_events.web.refusals import Refusals
from pulse_events.web.senders import Senders
from pulse_events.web.services import Services
from pulse_events.web.tokens import LIFETIME_S
from pulse_events.web.work import MESSAGE_BYTES, TEXT_BYTES, Charges

BINDING_LIMIT_BYTES = 4096
"""The longest JSON of one binding: two names of 255 bytes, each as six characters."""


class Posts:
    """Answers what is posted; ``body_within_s`` is how long a client may take to send it."""

    def __init__(
        self,
        services: Services,
        senders: Senders,
        charges: Charges,
        refusals: Refusals,
        *,
        body_within_s: float,
    ) -> None:
        self._services = services
        self._senders = senders
        self._charges = charges
        self._refusals = refusals
        self._body_within_s = body_within_s

    async def issue_token(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer with a token that stands for the posted bindings."""
        limit_bytes = BINDING_LIMIT_BYTES * self._services.max_bindings
        try:
            body = await read_body(request, limit_bytes, self._body_within_s)
            await self._charges.charge(request, len(body) // TEXT_BYTES)
            owner = self._senders.address_of(request)
            token = await self._services.tokens.issue(body.decode(), owner)
        except UnicodeDecodeError:
            return error_answer(HTTPStatus.BAD_REQUEST, "the body is not UTF-8", request)
        except (InputError, AddressLimitReached) as error:
            return self._refusals.answer(request, error, as_stream=False)
        except web.HTTPRequestEntityTooLarge as error:
            return error_answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error.text or "", request)
        return json_answer({"token": token, "expires": int(LIFETIME_S)})

    async def publish(self, request: web.BaseRequest) -> web.StreamResponse:
        """Publish the posted message; where the broker is a real one, nothing leads here."""
        assert self._services.publish is not None
        try:
            body = await read_body(request, BODY_LIMIT_BYTES, self._body_within_s)
            await self._charges.charge(request, len(body) // MESSAGE_BYTES)
            message = parse_message(body)
        except (InputError, AddressLimitReached) as error:
            return self._refusals.answer(request, error, as_stream=False)
        except web.HTTPRequestEntityTooLarge as error:
            return error_answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error.text or "", request)
        self._services.publish(message)
        return json_answer({}, HTTPStatus.ACCEPTED)
