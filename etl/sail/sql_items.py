"""The items of a SELECT in a SQL text: where one begins and ends, and what Spark calls it without an alias; the keys of
its windows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from lakelet.etl.sail import casts, engine, rules
from lakelet.etl.sail.mixed import TEXTS
from lakelet.etl.sail.notations import Texts
from lakelet.etl.sail.sql_tokens import PATH, Tokens
from lakelet.etl.sail.statements import bare, with_escapes
from lakelet.etl.sail.texts import COMPARISONS

# Types that are functions too: date(x) is a cast.
TYPES = (
    "string", "date", "decimal", "bigint", "tinyint", "smallint", "double", "float", "boolean", "binary", "int",
    "timestamp",
)  # fmt: skip
_CALLED = re.compile(rf"\b(?:{'|'.join(TYPES)})\s*\(", re.IGNORECASE)
VALUE_ENDS = ("VAR", "IDENTIFIER", "NUMBER", "STRING", "R_PAREN", "R_BRACKET", "END", "NULL", "TRUE", "FALSE")
_WORDS = ("and", "or", "not", "in", "is", "like", "between", "=", "<", ">", "<=", ">=", "<>", "||", "over", "case")
_ENDS_OF_ITEMS = frozenset(
    (
        "from", "union", "except", "intersect", "minus", "where", "lateral", "group", "order", "having", "limit",
        "window", "cluster", "distribute", "sort", "pivot", "unpivot",
    )
)  # fmt: skip
_PRODUCTS = ("*", "/", "%")
_KEYS = ("partition by", "order by", "distribute by", "sort by")
BEHIND_CALLS = ("over", "filter", "ignore", "respect")  # what a call is one value with
_BEHIND_PARTS = ("order by", "sort by", "rows", "range", "groups")
_BEHIND_KEYS = ("asc", "desc", "nulls", "rows", "range", "groups")


# Before and after a whole comparison.
_BEFORE_COMPARED = (
    "", "(", ",", "where", "and", "or", "not", "when", "on", "select", "distinct", "then", "else", "group by",
    "having",
)  # fmt: skip
_BEHIND_COMPARED = (
    "", ")", ",", "and", "or", "then", "when", "else", "end", "as", "from", "where", "group by", "order by", "limit",
    "union", "join", "left", "right", "full", "cross", "inner", "having", ";",
)  # fmt: skip
_BY_TIME = re.compile(r"\brange\b.*\binterval\b", re.IGNORECASE | re.DOTALL)
_BY_NUMBER = re.compile(r"\brange\b.*[\w)?]\s+(?:preceding|following)\b", re.IGNORECASE | re.DOTALL)
_FRAME = re.compile(r"\b(?:rows|range)\b", re.IGNORECASE)
_UNBOUNDED = re.compile(r"\bunbounded\s+preceding\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:e[+-]?\d+)?")


class Compared(NamedTuple):
    """A comparison of a value with a number, or with two by BETWEEN."""

    value: tuple[int, int]  # its first token and the one after its last
    operator: str
    at: int  # the operator
    numbers: list[str]
    flipped: bool  # the number comes first
    end: int


class Items(Tokens):
    """One text."""

    def comparison(self, at: int, last: int) -> Compared | None:
        """The comparison of a column, or a function that makes texts, with a number that begins at a token."""
        if (self.words[at - 1] if at else "") not in _BEFORE_COMPARED:
            return None
        number, end = self._number(at, last)
        flipped = bool(number)
        if flipped:
            value = (end + 1, self.operand_end(end + 1, last)) if end + 1 < last else (end, end)
            operator, numbers, after = self.words[end] if end < last else "", [number], value[1]
        else:
            value = (at, self.operand_end(at, last))
            end = value[1] + (self.words[value[1] : value[1] + 2] == ["not", "between"])
            operator = " ".join(self.words[value[1] : end + 1]) if end < last else ""
            number, after = self._number(end + 1, last)
            numbers = [number]
            if operator.endswith("between") and after < last and self.words[after] == "and":
                number, after = self._number(after + 1, last)
                numbers.append(number)
        told = self.raw(*value)
        texts = value[0] < last and self.words[value[0]] in TEXTS and self.calls(value[0], last)
        known = operator in COMPARISONS or (operator.endswith("between") and len(numbers) == 2)
        behind = self.words[after] if after < len(self.words) else ""
        ends = behind in _BEHIND_COMPARED or self.is_word(after)  # an alias without AS
        if not known or not all(numbers) or not (texts or PATH.fullmatch(told)) or not ends:
            return None
        return Compared(value, operator, end, numbers, flipped, after)

    def _number(self, at: int, last: int) -> tuple[str, int]:
        """The number that stands at a token, with its sign, and the token behind it; empty, if there is none."""
        if at < last and self.words[at] in ("true", "false"):
            return self.words[at], at + 1
        sign = at < last and self.words[at] == "-"
        at += sign
        if at >= last or not _NUMBER.fullmatch(self.words[at]):
            return "", at
        return "-" * sign + self.words[at], at + 1

    def name(self) -> str | None:
        """What Spark calls a whole expression; None, if it has an alias."""
        end = len(self.tokens)
        level = [*self.level(0, end)]
        if not end or self.words[0] in rules.GENERATORS or any(self.words[at] == "as" for at in level):
            return None
        ends_value = end > 1 and self.tokens[end - 2].token_type.name in VALUE_ENDS
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
        if (compared := self.comparison(0, end)) and compared.end == end and not compared.operator.endswith("between"):
            sign = {"==": "="}.get(compared.operator, compared.operator)
            left, right = self.raw(0, compared.at), self.raw(compared.at + 1, end)
            return f"(NOT ({left} = {right}))" if sign in ("<>", "!=") else f"({left} {sign} {right})"
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

    def selects(self) -> Iterator[tuple[int, int]]:
        """Where the items of each SELECT begin and end."""
        for at, word in enumerate(self.words):
            if word == "select":
                around = [end for first, end in self.closing.items() if first < at < end and self.words[first] == "("]
                last = min(around, default=len(self.words))
                yield at + 1, next((one for one in self.level(at + 1, last) if ends_items(self.words[one])), last)

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

    def has_twice(self, name: str, given: list[tuple[int, int]]) -> bool:
        """Whether a function is called more than once with the same last argument."""
        calls = [self.arguments(at + 1, self.closing[at + 1]) for at in self.calls_of(name)]
        told = ["".join(self.raw(*one[-1]).split()) for one in calls if one]
        return told.count("".join(self.raw(*given[-1]).split())) > 1

    def calls_of(self, name: str) -> list[int]:
        return [at for at, word in enumerate(self.words) if word == name and at + 1 in self.closing]

    def moves(self, at: int) -> bool:
        """Whether the frame of a window, after its OVER, leaves rows behind; that of a name may be any of the text."""
        told = self.raw(at, self.closing[at]) if at in self.closing else self.text
        return bool(_FRAME.search(told)) and not (at in self.closing and _UNBOUNDED.search(told))

    def refuse_at(self, at: int) -> None:
        """Refuse what begins at a token and has another answer on Sail: INTERSECT ALL, a semi or anti join without
        a condition, a LATERAL function in FROM, or a cast by ``::``."""
        if self.words[at : at + 2] == ["intersect", "all"]:
            raise engine.otherwise("INTERSECT ALL", "rows count too often")
        if self.words[at : at + 2] in (["semi", "join"], ["anti", "join"]) and not self._is_on(at + 2):
            raise engine.otherwise("A semi or anti join without a condition", "it is of all pairs; say ON true")
        if self.words[at] == "lateral" and at + 2 in self.closing and self.words[at + 1] not in ("view", "("):
            raise engine.otherwise(
                f"LATERAL {self.words[at + 1]} in FROM", "rows without a value are there; say LATERAL VIEW"
            )
        if self.words[at] != "::":
            return
        target = self.words[at + 1] if at + 1 < len(self.words) else ""
        casts.require_no_time(Texts().constant(self.words[at - 1]), target)
        if casts.rule(target):
            raise engine.refused(f"A cast to {target} by ::, for which there is CAST,")

    def _is_on(self, at: int) -> bool:
        """Whether a join of the table at a token has a condition."""
        at = self.closing[at] + 1 if at in self.closing else at + 1
        while self.words[at : at + 1] == ["."]:
            at += 2
        for _ in range(2):  # an alias, and names of columns behind it
            at += self.words[at : at + 1] == ["as"]
            if at in self.closing:
                at = self.closing[at] + 1
            elif at < len(self.words) and self.words[at] not in ("on", "using"):
                at += 1
        return self.words[at : at + 1] in (["on"], ["using"])

    def window_at(self, at: int) -> int:
        """The parenthesis of a window, which is at a token or has the name that is there; 0, if none is known."""
        if at in self.closing:
            return at
        name = self.words[at]
        behind = (
            one + 2
            for one in range(1, len(self.words) - 2)
            if self.words[one : one + 2] == [name, "as"] and self.words[one - 1] in ("window", ",")
        )
        return next((one for one in behind if one in self.closing), 0)

    def parted_to(self, opening: int, closing: int) -> int:
        """The token behind what a window is parted by."""
        ends = (at for at in self.level(opening + 1, closing) if self.words[at] in _BEHIND_PARTS)
        return next(ends, closing)

    def range_by(self, opening: int, closing: int) -> str:
        """What the bounds of a window's RANGE are told in: an interval, a number, or nothing."""
        told = bare(self.raw(opening, closing + 1))
        if _BY_TIME.search(told):
            return "interval"
        return "number" if _BY_NUMBER.search(_UNBOUNDED.sub("", told)) else ""

    def is_joined(self, at: int, end: int) -> bool:
        """Whether a unit is a value that stands beside ``||``, without arithmetic."""
        beside = {self.words[at - 1] if at else "", self.words[end] if end < len(self.words) else ""}
        value = end > at + 1 or bool(PATH.fullmatch(self.words[at]))
        behind = self.words[at] in BEHIND_CALLS or self.is_window(at)
        return "||" in beside and value and beside.isdisjoint("+-*/%.[") and not behind

    def product_end(self, at: int, last: int) -> int:
        """The token behind a product that begins at one and stands beside ``||``, which binds less; 0 for none."""
        if not self.begins_operand(at) or (at and self.words[at - 1] in (*_PRODUCTS, ".")):
            return 0
        first = self.operand_end(at, last)
        end = first
        while end + 1 < last and self.words[end] in _PRODUCTS:
            end = self.operand_end(end + 1, last)
        beside = self.words[max(at - 1, 0) : at] == ["||"] or self.words[end : end + 1] == ["||"]
        return end if beside and end > first else 0

    def divisors(self, first: int, last: int) -> dict[int, int]:
        """What is divided by, but for literals: by its first token the one after its last."""
        operands = (one for chain in self.arithmetic(first, last) for one in chain if one.sign in rules.DIVISIONS)
        return {
            one.first - (self.words[one.first - 1] != one.sign): one.end  # from its own minus on
            for one in operands
            if not self.words[one.first][:1].isdigit()
        }

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
