"""Texts without passwords.  Pure; knows what broker URLs look like, right ones and mistyped ones.

A guess to the safe side: rather too much is hidden than a part of a password.
"""

import re

HIDDEN = "***"

_PORT = r"\d{1,5}(?:[/,:\s]|$)"
_SCHEME = re.compile(r"^(?:--[\w-]+=)?\w+:/+")
_LIKE_BROKER = re.compile(r"amqps?[:/]", re.IGNORECASE)
_WITHOUT_USER = re.compile(rf"amqps?://[^:@?\s]+(?::(?={_PORT})\d+)?(?:[,/].*)?$", re.DOTALL)
_QUOTED = re.compile(r"(['\"])((?:(?!\1)[^\\]|\\.)*)\1", re.DOTALL)
_IN_TEXT = (
    re.compile(r"(amqps?:/*[^:@]*):.*@", re.IGNORECASE | re.DOTALL),
    # A user with an `@`; not the port of an address that is shown without its password.
    re.compile(rf"(amqps?:/*[^:]*@[^:]*):(?!{_PORT}).*@", re.IGNORECASE | re.DOTALL),
    re.compile(r"((?:\b|//)[^\s'\"/:@]+):(?!//)\S*@"),
)
_CUT_OFF = re.compile(rf"(amqps?:/*[^:@\s]*):(?!{_PORT})[^\s@]+(?=\s|$)", re.IGNORECASE)
"""A broker URL that ends before its host: the shell has split it, or somebody forgot the rest."""


def redacted_word(word: str) -> str:
    """Return one argument or value with what may be a password hidden."""
    scheme = found[0] if (found := _SCHEME.match(word)) else ""
    credentials, separator, host = word[len(scheme) :].rpartition("@")
    if separator:
        user, colon, _ = credentials.partition(":")
        if colon:
            return f"{scheme}{user}:{HIDDEN}@{host}"
        return word if scheme else f"{HIDDEN}@{host}"  # the end of a URL that the shell has split
    return HIDDEN if _LIKE_BROKER.search(word) and not _WITHOUT_USER.search(word) else word


def redacted(text: str) -> str:
    """Return a text of many words with what may be a password hidden."""
    text = _QUOTED.sub(_redacted_quotation, text)
    for pattern in _IN_TEXT:
        text = pattern.sub(rf"\1:{HIDDEN}@", text)
    return _CUT_OFF.sub(rf"\1:{HIDDEN}", text)


def _redacted_quotation(found: re.Match[str]) -> str:
    mark, word = found[1], found[2]
    suspect = ":" in word or "amqp" in word.lower()
    return f"{mark}{redacted_word(word)}{mark}" if suspect else found[0]
