"""The tokens of a SQL text, by sqlglot, and where each parenthesis and CASE closes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

_NAME = r"(?:\w+|`[^`]*`)"
PATH = re.compile(rf"{_NAME}(?:\s*\.\s*{_NAME})*")
_PAIRS = {"(": ")", "case": "end"}
_TYPED = ("date", "timestamp", "timestamp_ntz", "timestamp_ltz")  # before a text, which is one value with them
_PART = (".", ":", "::", "]", "over", "interval")  # before one


class Tokens:
    """One text. A place is the number of a token; ``words`` are the tokens in lower case."""

    def __init__(self, text: str) -> None:
        from sqlglot.dialects.spark import Spark  # a tenth of a second, which few scripts need

        self.text = text
        self.tokens: list[Token] = []
        for token in Spark().tokenize(text):
            if not self.tokens or token.start > self.tokens[-1].end:  # of 1.5BD there are three at one place
                self.tokens.append(token)
        self.words = [text[token.start : token.end + 1].lower() for token in self.tokens]
        self.closing: dict[int, int] = {}
        opened: list[int] = []
        for at, word in enumerate(self.words):
            if word in _PAIRS:
                opened.append(at)
            elif opened and word == _PAIRS[self.words[opened[-1]]]:
                self.closing[opened.pop()] = at

    def raw(self, first: int, last: int) -> str:
        """The text from a token up to the one before ``last``."""
        return self.text[self.tokens[first].start : self.tokens[last - 1].end + 1] if last > first else ""

    def calls(self, at: int, last: int) -> bool:
        """Whether a token and a parenthesis behind it look like a call."""
        opened = at + 1 < last and self.words[at + 1] == "(" and at + 1 in self.closing
        return opened and self.is_name(at) and (at == 0 or self.words[at - 1] not in (".", "as", "::"))

    def is_name(self, at: int) -> bool:
        """Whether a token is a word, be it one of SQL's own."""
        return bool(re.fullmatch(r"[a-z_]\w*", self.words[at]))

    def level(self, first: int, last: int) -> Iterator[int]:
        """The tokens that are in no parenthesis or CASE of these."""
        at = first
        while at < last:
            yield at
            at = self.closing.get(at, at) + 1

    def arguments(self, opening: int, closing: int) -> list[tuple[int, int]]:
        """The arguments of a call, each its first token and the one after its last."""
        commas = [at for at in self.level(opening + 1, closing) if self.words[at] == ","]
        starts, ends = [opening + 1, *(at + 1 for at in commas)], [*commas, closing]
        return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]

    def is_value(self, at: int, end: int) -> bool:
        """Whether a unit is a column, a call or a date: a whole value, as far as can be told."""
        if self.words[at] == "nulls" or (
            at and (self.words[at - 1] in _PART or self.tokens[at - 1].token_type.name in ("NUMBER", "STRING"))
        ):
            return False  # a part of a value, or the unit of an interval
        return self.is_typed(at) or (self.is_word(at) and (end == at + 1 or self.words[at + 1] in (".", "(")))

    def is_beside(self, at: int) -> bool:
        """Whether a token begins with a letter or a digit, right behind the one before it."""
        if at >= len(self.tokens) or self.tokens[at].start != self.tokens[at - 1].end + 1:
            return False
        return self.text[self.tokens[at].start].isalnum()

    def is_typed(self, at: int) -> bool:
        """Whether a token is the type of the text behind it: ``date '2024-01-01'``."""
        behind = self.words[at + 1] if at + 1 < len(self.words) else ""
        return self.words[at] in _TYPED and behind.startswith(("'", '"'))

    def is_word(self, at: int) -> bool:
        """Whether a token is a name, and none of SQL's own words."""
        return self.tokens[at].token_type.name in ("VAR", "IDENTIFIER")
