"""The values in a SQL text: what is known of one by how it is told, and arguments that are told by words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from lakelet.etl.sail import mixed, rules, texts
from lakelet.etl.sail.casts import Rule
from lakelet.etl.sail.known import COALESCES
from lakelet.etl.sail.notations import Sql
from lakelet.etl.sail.sql_bound import CHANCE, ONCE, TEXTS, bound, by_rule, is_large
from lakelet.etl.sail.sql_items import Items
from lakelet.etl.sail.sql_tokens import PATH
from lakelet.etl.sail.statements import bare
from lakelet.etl.sail.values import of_kind, written

NAMES = re.compile(r"[a-z_`]", re.IGNORECASE)
INTERVAL = re.compile(r"\b(?:interval|make_dt_interval)\b", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_TEXT = re.compile(r"'[^'\\]*'|\"[^\"\\]*\"")
_BETWEEN = {"position": ("in",), **dict.fromkeys(("substr", "substring"), ("from", "for"))}  # arguments
_OPERATORS = ("+", "-", "*", "/", "%", "||", "&", "|", "^", "div")  # before or behind an operand of another value


class Values(Items):
    """One text."""

    def _called(self, first: int, last: int) -> tuple[str, str]:
        """The name of the function whose call some tokens are, or the type that they are a cast to."""
        if not self.calls(first, last) or self.closing[first + 1] != last - 1:
            return "", ""
        if self.words[first] not in ("cast", "try_cast"):
            return self.words[first], ""
        marks = [one for one in self.level(first + 2, last - 1) if self.words[one] == "as"]
        return "", self.raw(marks[-1] + 1, last - 1) if marks else ""

    def may_be_other(self, first: int, last: int) -> bool:
        """Whether an argument may be a time or a double, or of a type that a function of text does not take."""
        name, kind = self._called(first, last)
        literal = last == first + 1 and self.tokens[first].token_type.name in ("NUMBER", "NULL")
        if literal or name in texts.WRITTEN_ALIKE or "select" in self.words[first:last]:
            return False
        return not self.is_text(first, last) and not (kind and texts.is_written_alike(kind))

    def is_text(self, first: int, last: int) -> bool:
        """Whether an argument is known to be a text."""
        name, kind = self._called(first, last)
        at = last - 2 if name in texts.CHOSEN else first if last == first + 1 else -1  # of a literal
        literal = at >= 0 and self.tokens[at].token_type.name == "STRING"
        return literal or name in texts.TEXTS or texts.is_text(kind)

    def may_be_text(self, first: int, last: int) -> bool:
        """Whether an argument may be a text that is a date for one of both alone."""
        name, kind = self._called(first, last)
        typed = self.is_typed(first) or (kind and texts.is_time(kind))
        selects = "select" in self.words[first:last]
        return not (typed or selects or name in texts.ARE_DATES or texts.is_date(self.raw(first, last)[1:-1]))

    def compared(self, at: int) -> str:
        """The column that a literal is compared with; empty for what is no day, and beside any other value."""
        if not is_quoted(self.words[at]) or not texts.is_day(self.words[at][1:-1]):
            return ""
        sign = at - 3 if self.words[max(at - 3, 0) : at] == ["between", self.words[at - 2], "and"] else at - 1
        if sign > 0 and (self.words[sign] in texts.COMPARISONS or self.words[sign] == "between"):
            end = sign - (self.words[sign - 1] == "not")
            first = end - 1
            while first > 1 and self.words[first - 1] == ".":
                first -= 2
            return self._column(first, end)
        if at + 2 < len(self.words) and self.words[at + 1] in texts.COMPARISONS:
            end = self.path_end(at + 2, len(self.words))
            return self._column(at + 2, end)
        return ""

    def _column(self, first: int, last: int) -> str:
        """A column that is a whole operand; empty for any other value."""
        before, behind = self.words[first - 1 : first], self.words[last : last + 1]
        whole = not {*before, *behind} & {*_OPERATORS, ".", "(" if behind == ["("] else ""}
        whole = whole and not (before and (is_quoted(before[0]) or _NUMBER.fullmatch(before[0])))  # interval 1 month
        told = self.raw(first, last)
        named = self.words[first] not in ("not", "end") and not self.is_typed(first)
        return told if whole and named and PATH.fullmatch(told) and not told[0].isdigit() else ""

    def path_end(self, at: int, last: int) -> int:
        """The token behind the path of a column."""
        end = at + 1
        while end + 1 < last and self.words[end] == "." and PATH.fullmatch(self.raw(at, end)):
            end += 2
        return end

    def place_in(self, at: int, end: int, last: int) -> int:
        """The bracket that closes behind what is computed: a place in the value, or its key; 0, if none is there."""
        closing = self.brackets.get(end, 0) if end < last else 0
        plain = closing == end + 2 and self.tokens[end + 1].token_type.name in ("NUMBER", "STRING")
        begins = at == 0 or self.words[at - 1] not in (".", "]", ")")
        is_value = self.words[end - 1] == ")" or bool(PATH.fullmatch(self.raw(at, end)))
        return closing if closing > end + 1 and not plain and begins and is_value else 0

    def list_of(self, at: int, last: int) -> tuple[int, int, list[str]] | None:
        """The texts or numbers that a column at a place is compared with by IN, between the tokens behind both."""
        end = self.path_end(at, last)
        opening = end + 2 if self.words[end : end + 1] == ["not"] else end + 1
        if self.words[opening - 1 : opening] != ["in"] or opening not in self.closing or not self._column(at, end):
            return None
        given = [self.raw(*one) for one in self.arguments(opening, self.closing[opening])]
        alike = all(map(is_text_alone, given)) or all(map(_NUMBER.fullmatch, given))
        return (end, self.closing[opening] + 1, given) if alike else None

    def among_texts(self, name: str, given: list[tuple[int, int]]) -> bool:
        return (name in texts.AMONG or name == "concat") and any(self.is_text(*one) for one in given)

    def is_by_text(self, at: int, end: int) -> bool:
        """Whether a literal text is before or behind a unit and the ``||`` beside it."""
        before, behind = self.words[max(at - 2, 0) : at], self.words[end : end + 2]
        return any("||" in around and any(map(is_quoted, around)) for around in (before, behind))

    def first_of(self, name: str, given: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The values of coalesces in one another, of which there are several; empty for any other call, and where they
        may be of several types and not be asked for those."""
        told, deepest, unseen = [], 0, [(one, 1) for one in reversed(given) if name in texts.CHOSEN]
        while unseen:
            one, depth = unseen.pop()
            deepest = max(deepest, depth)
            if self._called(*one)[0] in texts.CHOSEN:
                unseen += [(each, depth + 1) for each in reversed(self.arguments(one[0] + 1, one[1] - 1))]
            elif self.words[one[0] : one[1]] != ["null"]:
                told.append(one)
        if deepest < COALESCES or len(told) < 2:
            return []
        asked = map(self.raw, *zip(*told, strict=True))
        return told if self.are_alike(told) or not any(ONCE.search(bare(one)) or is_large(one) for one in asked) else []

    def coalesce(self, given: list[tuple[int, int]], values: list[str]) -> str:
        """The first of some values that is there, which were those of coalesces in one another."""
        unlike = mixed.unlike(TEXTS, [Sql(f"({one})") for one in values])
        values = self.as_texts("coalesce", given, mixed.with_whole(values, bound))
        made = by_rule("coalesce", mixed.first_there_is, values)
        made = self.if_not_mixed("coalesce", given, values, made)
        return made if self.are_alike(given) else str(TEXTS.case(unlike, otherwise=Sql(made)))

    def are_alike(self, given: list[tuple[int, int]]) -> bool:
        """Whether values are known to be of one type."""
        kinds = {kind.strip().lower() or texts.kind_of(name) for name, kind in (self._called(*one) for one in given)}
        return len(kinds) == 1 and None not in kinds

    def parts(self, name: str, given: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The arguments of a call; those of substring(text FROM 2 FOR 3) and position(text IN other) one by one."""
        words = _BETWEEN.get(name, ())
        if not words or len(given) != 1:
            return given
        first, last = given[0]
        marks = [at for at in self.level(first, last) if self.words[at] in words]
        return [(before + 1, behind) for before, behind in pairwise([first - 1, *marks, last])]

    def has_from(self, first: int, last: int) -> bool:
        """Whether an argument is told as in substring(text FROM 2 FOR 3)."""
        return any(self.words[at] == "from" for at in self.level(first, last))

    def is_from_null(self, first: int, last: int) -> bool:
        level = [*self.level(first, last)]
        return any(self.words[at] in ("from", "for") and self.words[at + 1] == "null" for at in level if at + 1 < last)

    def in_texts(self, at: int, end: int, behind: int, given: list[str]) -> tuple[str, int]:
        """A column IN some texts, or numbers."""
        column, whole = Sql(self.raw(at, end)), self.raw(at, behind)
        opening = end + 2 if self.words[end] == "not" else end + 1
        if not is_text_alone(given[0]):
            texts_of = ", ".join(f"'{one}'" for one in texts.as_texts(list(map(Decimal, given))))
            own = Sql(f"{self.raw(at, opening)} ({texts_of})")
            return f"({TEXTS.case((of_kind(TEXTS, column, 'string'), own), otherwise=Sql(whole))})", behind
        own = Sql(f"({written(TEXTS, column)} {self.raw(end, behind)})")
        return f"({texts.among(TEXTS, Sql(whole), own, column, [one[1:-1] for one in given])})", behind

    def as_texts(self, name: str, given: list[tuple[int, int]], values: list[str]) -> list[str]:
        """The arguments of a call, of which some are texts to Spark, whatever they are."""
        if (places := texts.DATES.get(name, ())) and len(given) < 3:
            return [
                bound(value, texts.as_date) if at in places and self.may_be_text(*given[at]) else value
                for at, value in enumerate(values)
            ]
        places = tuple(range(len(given))) if self.among_texts(name, given) else texts.GIVEN.get(name, ())
        rule = texts.rule_of(name)
        return [
            bound(value, rule) if at in places and self.may_be_other(*given[at]) and not is_large(value) else value
            for at, value in enumerate(values)
        ]

    def told_twice(self, rules: Sequence[Rule], given: list[tuple[int, int]], values: list[str]) -> Iterator[str]:
        """Arguments of a call by each of its rules; a text as it is."""
        for one, value in zip(given, values, strict=True):
            yield from [value] if self.is_text(*one) else (bound(value, rule) for rule in rules)

    def if_not_mixed(self, name: str, given: list[tuple[int, int]], values: list[str], made: str) -> str:
        """A call, which fails of doubles beside texts, if it may have both."""
        if name not in texts.AMONG or self.among_texts(name, given):
            return made
        asked = [value for one, value in zip(given, values, strict=True) if self.may_be_other(*one)]
        if len(asked) < 2 or any(ONCE.search(bare(one)) for one in asked):
            return made
        branch = texts.mixed(TEXTS, name, [Sql(f"({one})") for one in asked])
        return str(TEXTS.case(branch, otherwise=Sql(made)))


def is_text_alone(told: str) -> bool:
    """Whether a value is one text."""
    return bool(_TEXT.fullmatch(told))


def same(one: str, other: str) -> bool:
    """Whether two texts differ in blanks and capitals alone."""
    return "".join(one.split()).lower() == "".join(other.split()).lower()


def is_quoted(told: str) -> bool:
    """Whether a value begins with a text."""
    return told.startswith(("'", '"'))


def may_be_time(told: str, multiplied: bool) -> bool:
    """Whether an operand may be a date, a time or an interval with hours; not one that is another each time."""
    if INTERVAL.search(told):
        return multiplied or bool(rules.HOURS.search(told)) or not rules.LITERAL_INTERVAL.fullmatch(told)
    named = NAMES.search(bare(told)) or "`" in told or "?" in bare(told)
    return bool(named) and not CHANCE.search(told)
