"""Patterns of the policy language: ``*`` stands for any characters, ``?`` for one.

Source: AWS IAM User Guide, "IAM JSON policy elements: Resource" and "Policy variables". A pattern is a tuple of
tokens, so that a value put in for a variable stays literal whatever it holds, and is matched without regular
expressions: in time of the product of the lengths, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache

MAX_INTERSECTION = 8
MAX_CELLS = 20_000


class Wildcard(Enum):
    """The two tokens that are no character."""

    ANY = "*"
    ONE = "?"


ANY, ONE = Wildcard.ANY, Wildcard.ONE
Token = str | Wildcard
Pattern = tuple[Token, ...]


@lru_cache(maxsize=4096)
def pattern(text: str) -> Pattern:
    """The pattern that a text without variables spells."""
    return tuple(ANY if char == "*" else ONE if char == "?" else char for char in text)


def spelled(tokens: Pattern) -> str | None:
    """The text that spells a pattern; None when it holds a literal ``*`` or ``?``, which no text spells."""
    if any(token in ("*", "?") for token in tokens if isinstance(token, str)):
        return None
    return "".join(token if isinstance(token, str) else token.value for token in tokens)


def matches(tokens: Pattern, text: str) -> bool:
    """Whether the pattern covers the whole text.

    >>> matches(pattern("glue:Get*"), "glue:GetTable"), matches(pattern("s3:??tObject"), "s3:GetObject")
    (True, True)
    """
    if tokens == (ANY,):
        return True
    at = position = 0
    star, retry = -1, 0
    while position < len(text):
        if at < len(tokens) and (tokens[at] is ONE or tokens[at] == text[position]):
            at, position = at + 1, position + 1
        elif at < len(tokens) and tokens[at] is ANY:
            star, retry = at, position
            at += 1
        elif star >= 0:
            retry += 1
            at, position = star + 1, retry
        else:
            return False
    return all(token is ANY for token in tokens[at:])


def covers(wide: Pattern, narrow: Pattern) -> bool:
    """Whether everything that ``narrow`` matches, ``wide`` does too (True only when that is certain)."""
    previous = [True] + [False] * len(narrow)  # which prefixes of `narrow` the tokens of `wide` so far cover
    for token in wide:
        if token is ANY:
            row, seen = [], False
            for reached in previous:
                seen = seen or reached
                row.append(seen)
        else:
            row = [False]
            for place, other in enumerate(narrow):
                fits = other is not ANY and (token is ONE or token == other)
                row.append(fits and previous[place])
        previous = row
    return previous[-1]


def intersection(left: Pattern, right: Pattern) -> tuple[Pattern, ...]:
    """Patterns that together match exactly what both match; none when nothing does.

    Raises ValueError when it takes too many of them, or too long ones.

    >>> [spelled(found) for found in intersection(pattern("a*"), pattern("*b"))]
    ['a*b']
    >>> intersection(pattern("a*"), pattern("b*"))
    ()
    """
    if covers(left, right):
        return (right,)
    if covers(right, left):
        return (left,)
    if len(left) * len(right) > MAX_CELLS:
        raise ValueError("the patterns are too long")
    below: list[tuple[Pattern, ...]] = []  # what the rest of `left` after the token has in common with rests of `right`
    for a in (None, *reversed(left)):
        row: list[tuple[Pattern, ...]] = [()] * (len(right) + 1)
        for j in range(len(right), -1, -1):
            b = right[j] if j < len(right) else None
            row[j] = _reduced(_step(a, b, below, row, j))
        below = row
    return _reduced(below[0], 2)


def _step(
    a: Token | None, b: Token | None, below: Sequence[tuple[Pattern, ...]], row: Sequence[tuple[Pattern, ...]], j: int
) -> Iterable[Pattern]:
    """What two rests have in common that begin with ``a`` and ``b`` (None: are at their end)."""
    if a is None and b is None:
        return [()]
    if a is ANY and b is ANY:
        return [_after(ANY, rest) for rest in (*below[j], *row[j + 1])]
    if a is ANY:
        return [*below[j], *([(b, *rest) for rest in row[j + 1]] if b is not None else [])]
    if b is ANY:
        return [*row[j + 1], *([(a, *rest) for rest in below[j]] if a is not None else [])]
    if a is None or b is None or not (a is ONE or b is ONE or a == b):
        return []
    return [(b if a is ONE else a, *rest) for rest in below[j + 1]]


def _after(token: Token, rest: Pattern) -> Pattern:
    return rest if token is ANY and rest[:1] == (ANY,) else (token, *rest)


def _reduced(found: Iterable[Pattern], enough: int = MAX_INTERSECTION) -> tuple[Pattern, ...]:
    """Without those that another one covers; looked for only when there are ``enough``, since it takes long."""
    every = list(dict.fromkeys(found))
    if len(every) < enough:
        return tuple(every)
    kept: list[Pattern] = []
    for one in every:
        if not any(covers(other, one) for other in kept):
            kept = [other for other in kept if not covers(one, other)] + [one]
    if len(kept) > MAX_INTERSECTION:
        raise ValueError("the patterns have too many wildcards")
    return tuple(kept)
