"""The tokens of a SQL text, by sqlglot, and where each parenthesis and CASE closes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

_NAME = r"(?:\w+|`[^`]*`)"
PATH = re.compile(rf"{_NAME}(?:\s*\.\s*{_NAME})*")
_PAIRS = {"(": ")", "case": "end"}
_QUOTED = re.compile(r"'[^'\\]+'|\"[^\"\\]+\"")
_TYPED = ("date", "timestamp", "timestamp_ntz", "timestamp_ltz")  # before a text, which is one value with them
_ARITHMETIC = ("+", "-", "*", "/", "%")
_UNIT = re.compile(r"to|(year|quarter|month|week|day|hour|minute|second|millisecond|microsecond)s?")
_BEGINS = re.compile(r"[\w(`'\":?]")  # a parameter, too
_DONE = " _lakelet_done "  # a comment
_NULLS = (["ignore", "nulls"], ["respect", "nulls"])
_NO_OPERAND = frozenset(
    (
        "all", "and", "any", "as", "asc", "between", "by", "cross", "desc", "distinct", "div", "else", "escape",
        "except", "exists", "from", "full", "group", "having", "ilike", "in", "inner", "intersect", "is", "join",
        "lateral", "like", "limit", "minus", "natural", "not", "offset", "on", "or", "order", "qualify", "regexp",
        "rlike", "select", "some", "then", "union", "using", "values", "when", "where", "with",
    )
)  # fmt: skip


class Operand(NamedTuple):
    """A value in arithmetic: the sign before it, its first token and the one after its last."""

    sign: str
    first: int
    end: int


class Tokens:
    """One text. A place is the number of a token; ``words`` are the tokens in lower case."""

    def __init__(self, text: str) -> None:
        from sqlglot.dialects.spark import Spark  # a tenth of a second, which few scripts need

        self.text = text
        self.tokens: list[Token] = []
        for token in Spark().tokenize(text):
            if not self.tokens or token.start > self.tokens[-1].end:  # of 1.5BD there are three at one place
                self.tokens.append(token)
        self._close_what_is_done()
        self.words = [" ".join(text[token.start : token.end + 1].lower().split()) for token in self.tokens]
        self.closing: dict[int, int] = {}
        self.brackets: dict[int, int] = {}
        opened: list[int] = []
        bracketed: list[int] = []
        for at, word in enumerate(self.words):
            if word in _PAIRS:
                opened.append(at)
            elif opened and word == _PAIRS[self.words[opened[-1]]]:
                self.closing[opened.pop()] = at
            elif word == "[":
                bracketed.append(at)
            elif word == "]" and bracketed:
                self.brackets[bracketed.pop()] = at

    def _close_what_is_done(self) -> None:
        """Have each value that was told as :func:`done` be one token."""
        from sqlglot.tokenizer_core import Token

        kept: list[Token] = []
        depth = 0
        for token in self.tokens:
            if depth:
                depth += {"(": 1, ")": -1}.get(token.text, 0)
                kept[-1] = Token(kept[-1].token_type, kept[-1].text, start=kept[-1].start, end=token.end)
                continue
            kept.append(token)
            depth = int(token.text == "(" and token.comments == [_DONE])
        self.tokens = kept

    def raw(self, first: int, last: int) -> str:
        """The text from a token up to the one before ``last``."""
        return self.text[self.tokens[first].start : self.tokens[last - 1].end + 1] if last > first else ""

    def calls(self, at: int, last: int) -> bool:
        """Whether a token and a parenthesis behind it look like a call."""
        opened = at + 1 < last and self.words[at + 1] == "(" and at + 1 in self.closing
        if not opened or self.words[at] in _NO_OPERAND:
            return False
        return self.is_name(at) and (at == 0 or self.words[at - 1] not in (".", "as", "::"))

    def is_name(self, at: int) -> bool:
        """Whether a token is a word, be it one of SQL's own."""
        return bool(re.fullmatch(r"[a-z_]\w*", self.words[at]))

    def level(self, first: int, last: int) -> Iterator[int]:
        """The tokens that are in no parenthesis or CASE of these."""
        at = first
        while at < last:
            yield at
            at = self.closing.get(at, at) + 1

    def edited(self, edits: Iterable[tuple[int, int, str]]) -> str:
        """The text with others in the place of some tokens: the first, the one after the last, and what is there."""
        made, after = "", 0
        for first, last, told in edits:
            made += self.text[after : self.tokens[first].start] + told
            after = self.tokens[last - 1].end + 1
        return made + self.text[after:]

    def arguments(self, opening: int, closing: int) -> list[tuple[int, int]]:
        """The arguments of a call, each its first token and the one after its last."""
        commas = [at for at in self.level(opening + 1, closing) if self.words[at] == ","]
        starts, ends = [opening + 1, *(at + 1 for at in commas)], [*commas, closing]
        return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]

    def fields(self) -> dict[str, str] | None:
        """The fields of the struct that the text makes, by their names; None, if it is another one."""
        first, last = 0, len(self.words)
        while last - first > 2 and self.closing.get(first) == last - 1:
            first, last = first + 1, last - 1
        if not self.calls(first, last) or self.closing[first + 1] != last - 1:
            return None
        given = self.arguments(first + 1, last - 1)
        if self.words[first] == "struct":
            named = [self._field(*one) for one in given]
        elif self.words[first] == "named_struct":
            named = [(self.raw(*name), self.raw(*value)) for name, value in zip(given[::2], given[1::2], strict=False)]
            named = [(name[1:-1] if _QUOTED.fullmatch(name) else "", value) for name, value in named]
        else:
            return None
        found = {name: value for name, value in named if name}
        return found if len(found) == len(named) else None

    def _field(self, first: int, last: int) -> tuple[str, str]:
        """The name and the value of an argument of ``struct``; no name, if it has not one of its own."""
        told = self.raw(first, last)
        if PATH.fullmatch(told):
            return self.raw(last - 1, last).strip("`"), told
        if self.words[last - 2] == "as" and last - 2 > first:
            return self.raw(last - 1, last).strip("`"), self.raw(first, last - 2)
        return "", told

    def arithmetic(self, first: int, last: int) -> Iterator[list[Operand]]:
        """The operands of each chain of arithmetic that is in no parenthesis or CASE of these tokens."""
        at, chain = first, list[Operand]()
        while at < last:
            sign = self.words[at] if chain and self.words[at] in _ARITHMETIC else ""
            while sign and at < last and self.words[at] in _ARITHMETIC:
                at += 1  # signs of the operand's own, too
            end = self.operand_end(at, last) if at < last and self.begins_operand(at) else 0
            if chain and not (sign and end):
                yield chain
                chain = []
            if end:
                chain.append(Operand(sign, at, end))
            at = end or at + 1
        if chain:
            yield chain

    def is_pattern(self, at: int) -> bool:
        """Whether a pattern begins at a token: it stands behind a value and RLIKE or REGEXP, which are names, too."""
        if at < 2 or self.words[at - 1] not in ("rlike", "regexp") or not self.begins_operand(at):
            return False
        before = self.words[at - 2]
        return before in ("not", ")", "]") or self.begins_operand(at - 2)

    def is_negated(self, at: int, last: int) -> bool:
        """Whether a token is the minus before a value that is no number, and not between two."""
        if self.words[at] != "-" or at + 1 >= last or not self.begins_operand(at + 1):
            return False
        behind = (
            at > 0 and self.words[at - 1] != "(" and (self.words[at - 1] in (")", "]") or self.begins_operand(at - 1))
        )
        return not behind and not self.words[at + 1][:1].isdigit()

    def begins_operand(self, at: int) -> bool:
        """Whether a value may begin at a token."""
        return bool(_BEGINS.match(self.words[at])) and self.words[at].partition(" ")[0] not in _NO_OPERAND

    def operand_end(self, at: int, last: int) -> int:
        """The token after a value that begins at one, with what makes a part, a window or a type of it."""
        if self.words[at] == "interval":
            return self._interval_end(at, last)
        end = self.closing.get(at, at) + 1
        if self.is_typed(at) or self.words[at] == ":":
            end += 1
        while end < last:
            word = self.words[end]
            if end in self.brackets:
                end = self.brackets[end] + 1
            elif end in self.closing and word == "(":
                end = self.closing[end] + 1
            elif word in (".", ":", "::", "over") or self.words[end : end + 2] in _NULLS:
                end = self.closing.get(end + 1, end + 1) + 1
            elif word in ("filter", "within"):
                end += 1 if word == "filter" else 2  # up to its parenthesis
            else:
                break
        return min(end, last)

    def _interval_end(self, at: int, last: int) -> int:
        end = at + 1
        while end < last:
            if end in self.closing and end == at + 1:
                end = self.closing[end]
            elif not (
                _UNIT.fullmatch(self.words[end])
                or self.tokens[end].token_type.name in ("NUMBER", "STRING")
                or (self.words[end] in ("+", "-") and end == at + 1)
            ):
                break
            end += 1
        return end

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


def done(value: str) -> str:
    """A value that is told Sail already as it has to be; no rule is for what is in it."""
    return f"(/*{_DONE}*/{value})"
