"""The items of a SELECT in a SQL text: where one begins and ends, and what Spark calls it without an alias; the keys of
its windows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from etl.sail import rules
from etl.sail.sql_tokens import PATH, Tokens
from etl.sail.statements import bare, with_escapes

# Types that are functions too: date(x) is a cast.
TYPES = (
    "string", "date", "decimal", "bigint", "tinyint", "smallint", "double", "float", "boolean", "binary", "int",
    "timestamp",
)  # fmt: skip
_CALLED = re.compile(rf"\b(?:{'|'.join(TYPES)})\s*\(", re.IGNORECASE)
_VALUE_ENDS = ("VAR", "IDENTIFIER", "NUMBER", "STRING", "R_PAREN", "R_BRACKET", "END", "NULL", "TRUE", "FALSE")
_WORDS = ("and", "or", "not", "in", "is", "like", "between", "=", "<", ">", "<=", ">=", "<>", "||", "over", "case")
_ENDS_OF_ITEMS = frozenset(
    (
        "from", "union", "except", "intersect", "minus", "where", "lateral", "group", "order", "having", "limit",
        "window", "cluster", "distribute", "sort", "pivot", "unpivot",
    )
)  # fmt: skip
_KEYS = ("partition by", "order by", "distribute by", "sort by")
_BEHIND_KEYS = ("asc", "desc", "nulls", "rows", "range", "groups")


class Items(Tokens):
    """One text."""

    def name(self) -> str | None:
        """What Spark calls a whole expression; None, if it has an alias."""
        end = len(self.tokens)
        level = [*self.level(0, end)]
        if not end or self.words[0] in rules.GENERATORS or any(self.words[at] == "as" for at in level):
            return None
        ends_value = end > 1 and self.tokens[end - 2].token_type.name in _VALUE_ENDS
        named = self.is_name(end - 1) or self.is_word(end - 1)
        if ends_value and named and self.words[end - 1] != "end":
            return None  # an alias without AS
        operators = [at for at in level if self.words[at] in ("+", "-", "*", "/", "%")]
        if operators and not any(self.words[at] in _WORDS for at in level):
            parts = [self.raw(first + 1, last) for first, last in pairwise([-1, *operators, end])]
            signs = [self.words[at] for at in operators]
            if all(parts) and (len(signs) == 1 or set(signs) <= {"+", "-"}):
                told = parts[0]
                for sign, part in zip(signs, parts[1:], strict=True):
                    told = f"({told} {sign} {part})"
                return told
        return self.column(0, end) or self._calls_alone() or self.text.strip()

    def _calls_alone(self) -> str:
        """Calls of columns and numbers as Spark tells them; empty for any other expression."""
        made = ""
        for at, (word, token) in enumerate(zip(self.words, self.tokens, strict=True)):
            name = self.is_name(at) or bool(PATH.fullmatch(word))
            beside = name and (made[-1:].isalnum() or made[-1:] == ")")
            if beside or not (name or word in ("(", ")", ",", ".")):
                return ""
            plain = self.text[token.start : token.end + 1]
            made += ", " if word == "," else word if self.calls(at, len(self.words)) else plain.strip("`")
        return made

    def with_casts(self) -> str:
        """The text with CAST for each type that is called like a function: ``int(x)``."""
        edits: list[tuple[int, int, str]] = []
        for at, word in enumerate(self.words):
            if word in TYPES and self.calls(at, len(self.words)):
                opening, closing = at + 1, self.closing[at + 1]
                if len(self.arguments(opening, closing)) == 1 and not self.raw(opening + 1, closing).isdigit():
                    edits.append((self.tokens[at].start, self.tokens[opening].end + 1, "cast("))
                    edits.append((self.tokens[closing].start, self.tokens[closing].end + 1, f" as {word})"))
        made, end = "", 0
        for start, after, edit in sorted(edits):
            made += self.text[end:start] + edit
            end = after
        return made + self.text[end:]

    def is_item(self, at: int, end: int, first: int, last: int) -> bool:
        """Whether a unit is a whole item of a SELECT."""
        before = at == first or self.words[at - 1] in ("select", "distinct", "all", ",")
        return before and (end == last or self.words[end] == "," or ends_items(self.words[end]))

    def is_window(self, opening: int) -> bool:
        """Whether a parenthesis is that of a window: ``OVER (…)``, ``WINDOW w AS (…)``."""
        before, inside = self.words[opening - 1] if opening else "", self.words[opening + 1 :][:1]
        return before == "over" or (before == "as" and inside in (["partition by"], ["order by"]))

    def keys(self, opening: int, closing: int) -> Iterator[tuple[int, int]]:
        """What a window is parted and put in order by, each its first token and the one after its last."""
        first = None
        for at in (*self.level(opening + 1, closing), closing):
            begins, goes_on = self.words[at] in _KEYS, self.words[at] == "," and first is not None
            behind = first is not None and at > first and self.words[at] in _BEHIND_KEYS and self.words[at - 1] != "."
            if first is not None and (begins or goes_on or at == closing or behind):
                if first < at:
                    yield first, at
                first = None
            if begins or self.words[at] == ",":
                first = at + 1

    def column(self, first: int, last: int) -> str | None:
        """The column that an expression is a cast of, or casts of casts."""
        while (
            last - first > 3 and self.words[first] in ("cast", "try_cast") and self.closing.get(first + 1) == last - 1
        ):
            marks = [one for one in self.level(first + 2, last - 1) if self.words[one] == "as"]
            if not marks:
                return None
            first, last = first + 2, marks[-1]
        if last > first and PATH.fullmatch(self.raw(first, last)):
            return self.raw(last - 1, last).strip("`")
        return None


def ends_items(word: str) -> bool:
    """Whether the items of a SELECT end before a word; GROUP BY is one."""
    return word.partition(" ")[0] in _ENDS_OF_ITEMS


def spelled(text: str) -> str:
    """SQL in those words, of two that mean the same, which Sail takes as Spark does: a backslash before a quote in a
    text, and CAST for a type's function."""
    text = with_escapes(text)
    if not _CALLED.search(bare(text)):
        return text
    from sqlglot.errors import SqlglotError

    try:
        return Items(text).with_casts()
    except SqlglotError:  # Sail's parser says what is wrong
        return text


def name_of(text: str) -> str | None:
    """What Spark calls an expression that has no alias: a cast of a column as the column; None if it has an alias."""
    return Items(spelled(text)).name()
