"""AMQP 0-9-1 topic patterns as RabbitMQ matches them: their words, one spelling, a key's limits.

Words are what stands between dots; the empty key has no word at all, ``.`` has two empty ones.
``*`` stands for one word, ``#`` for zero or more; both only as a whole word (``a*`` is literal).
Probed against RabbitMQ 3.10; its topic exchange is the oracle in ``tests/brokers/rabbitmq/``.
"""

ONE_WORD = "*"
ANY_WORDS = "#"

KEY_LIMIT_BYTES = 255
KEY_LIMIT_WORDS = 128
"""A longer key matches ``#`` alone.  No routing key has more bytes; a key in ``CC`` may."""
_REPLACED = "\ufffd"


def split_words(text: str) -> list[str]:
    """Return the words of a pattern or routing key; the empty text has none."""
    return text.split(".") if text else []


def has_wildcard(pattern: str) -> bool:
    """Tell whether a pattern can match a routing key other than itself."""
    if ONE_WORD not in pattern and ANY_WORDS not in pattern:
        return False
    words = split_words(pattern)
    return ONE_WORD in words or ANY_WORDS in words


def is_oversized(key: str) -> bool:
    """Tell whether ``key`` has over 255 bytes of UTF-8, or over 128 words.

    What stands for a byte that is no UTF-8 counts as this one byte.
    """
    size = len(key)
    if size > KEY_LIMIT_BYTES or (size >= KEY_LIMIT_WORDS and key.count(".") >= KEY_LIMIT_WORDS):
        return True
    if key.isascii():
        return False
    return len(key.encode(errors="surrogatepass")) - 2 * key.count(_REPLACED) > KEY_LIMIT_BYTES


def canonical(pattern: str) -> str:
    """Return the one spelling of what ``pattern`` matches: ``a.#.*.#`` is ``a.*.#``.

    In each run of wildcards the stars come first, then one ``#`` at most.
    """
    if ANY_WORDS not in pattern:
        return pattern
    words: list[str] = []
    is_open = False  # the run of wildcards at the end of ``words`` has a ``#``, not written yet
    for word in split_words(pattern):
        if word == ANY_WORDS:
            is_open = True
            continue
        if is_open and word != ONE_WORD:
            words.append(ANY_WORDS)
            is_open = False
        words.append(word)
    return ".".join([*words, ANY_WORDS] if is_open else words)
