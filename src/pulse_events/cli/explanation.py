"""What a topic pattern matches, in words, with the names of Taskcluster's fields.  Pure."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from pulse_events.bindings import Binding
from pulse_events.catalogue import ABSENT, KnownExchange, Word, known_exchange, load_catalogue
from pulse_events.topics.patterns import ANY_WORDS, ONE_WORD, canonical, split_words

_ROUTE = "route"
"""The first word of the keys that a task's routes become, in ``CC``."""


def explanation(binding: Binding) -> Iterator[str]:
    """Yield the lines that say what ``binding`` matches."""
    known = known_exchange(binding.exchange)
    words = split_words(canonical(binding.pattern))
    is_route = words[:1] == [_ROUTE]
    yield _exchange(binding.exchange, known)
    yield _summary(binding.pattern, words)
    names = known.words if known and not is_route else ()
    rows = [(place, word, meaning) for place, word, meaning in _rows(words, names)]
    width = max((len(word) for _, word, _ in rows), default=0)
    for place, word, meaning in rows:
        yield f"  {place:>3}  {word:{width}}  {meaning}"
    yield from _remarks(words, known, is_route=is_route)


def _exchange(name: str, known: KnownExchange | None) -> str:
    if known:
        return f"{name}: {known.event}, from Taskcluster's {known.service} service"
    nearest = get_close_matches(name, [e.name for e in load_catalogue()], 1, 0.8)
    meant = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"{name}: none of Taskcluster's exchanges, so its words have no names here{meant}"


def _summary(pattern: str, words: Sequence[str]) -> str:
    """Say which keys are matched as far as their number of words goes."""
    least = sum(word != ANY_WORDS for word in words)
    if not words:
        return "the empty pattern matches the empty key"
    if list(words) == [ANY_WORDS]:
        return f"{pattern} matches every message of the exchange"
    if ANY_WORDS not in words:
        is_one = ONE_WORD not in words
        what = "the one key that is spelled so" if is_one else f"keys of {_count(least)}"
        return f"{pattern} matches {what}"
    other = "" if canonical(pattern) == pattern else f", as {canonical(pattern)} does,"
    return f"{pattern}{other} matches keys of {_count(least)} or more"


def _count(number: int) -> str:
    return f"{number} word" if number == 1 else f"{number} words"


def _rows(words: Sequence[str], names: Sequence[Word]) -> Iterator[tuple[str, str, str]]:
    """Yield the place in a key, the pattern's word, and what it means, for each word."""
    is_placed = True  # nothing before may be several words
    for place, word in enumerate(words):
        named = names[place] if is_placed and place < len(names) else None
        if word == ANY_WORDS:
            rest = ", ".join(each.name for each in names[place:]) if is_placed else ""
            yield "", word, f"any number of words, also none{rest and ': '}{rest}"
            is_placed = False
        else:
            yield str(place + 1) if is_placed else "", word, _meaning(word, named)
        is_placed = is_placed and not (named and named.many)


def _meaning(word: str, named: Word | None) -> str:
    what = f"any {named.name if named else 'one word'}" if word == ONE_WORD else ""
    what = what or (f"{named.name} is {word}" if named else f"the word {word}")
    if named is None or named.constant:
        return what
    if named.optional and word == ABSENT:
        return f"no {named.name}: {ABSENT} stands for an absent one"
    absent = f"; {ABSENT} where it is absent" if named.optional else ""
    many = ", which may be several words" if named.many else ""
    return f"{what}{many}{absent if word == ONE_WORD else ''}"


def _remarks(words: Sequence[str], known: KnownExchange | None, *, is_route: bool) -> Iterator[str]:
    for word in words:
        if len(word) > 1 and (ONE_WORD in word or ANY_WORDS in word):
            yield f"{word} is no wildcard: * and # are, only as a whole word between dots"
    if is_route:
        yield "keys that begin with route are a task's routes, which stand in CC"
    elif known:
        yield from _doubts(words, known)


def _doubts(words: Sequence[str], known: KnownExchange) -> Iterator[str]:
    """Say why no routing key of the exchange is like that."""
    least = len(known.words)
    is_open = any(word.many for word in known.words)
    if ANY_WORDS not in words and (len(words) < least or (len(words) > least and not is_open)):
        more = " or more" if is_open else ""
        yield (
            f"matches no routing key: those of this exchange have {_count(least)}{more}; "
            "end the pattern with .#"
        )
    constant = known.words[0].constant
    if constant and words and words[0] not in (constant, ONE_WORD, ANY_WORDS):
        yield f"matches no routing key: those of this exchange begin with {constant}"
