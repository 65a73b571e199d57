"""SQL text as Sail has to be asked it, to answer as Spark does: the rules of :mod:`lakelet.etl.sail.rules` in their
places.

Only what a rule is for is written anew; the rest of a text stays as it is, to the letter.
"""

from __future__ import annotations

import re
from itertools import pairwise

from lakelet.etl.sail import arrays, calls, casts, engine, json_paths, mixed, moving, regexps, rules, texts
from lakelet.etl.sail.notations import Sql, literal
from lakelet.etl.sail.sql_bound import DISTINCT, ONCE, TEXTS, argument, beside_number, bound, by_rule, of_times
from lakelet.etl.sail.sql_items import BEHIND_CALLS, Compared, ends_items, spelled
from lakelet.etl.sail.sql_values import INTERVAL, NAMES, Values, is_quoted, may_be_time, same
from lakelet.etl.sail.statements import bare
from lakelet.etl.sail.values import written

_OF_ONE_TYPE = re.compile(  # aggregates that may be dates
    r"\b(?:max|min|first|last|any_value|first_value|last_value|nth_value|mode|max_by|min_by)\s*\(", re.IGNORECASE
)
_OF_ONE_KIND = frozenset(("coalesce", "greatest", "ifnull", "least", "nvl"))
_SPECIAL = _OF_ONE_KIND | frozenset(
    ("arrays_zip", "cast", "try_cast", "if", "extract", "date_part", "datepart", "collect_list", "collect_set", "count")
)
_WORDS = ("null", "true", "false")
_CALLS = frozenset(
    (
        *rules.REFUSED,
        *rules.ABSENT,
        *rules.ARGUMENTS,
        *rules.TWICE,
        *calls.CALLS,
        *rules.EXTREMES,
        *texts.GIVEN,
        *texts.AMONG,
        *texts.DATES,
    )
)
_TOUCHED = re.compile(
    rf"\b(?:(?:{'|'.join(sorted(_CALLS | _SPECIAL))})\s*\(|intersect\s+all\b|(?:semi|anti)\s+join\b|lateral\b)"
    r"|\b(?:case|over|window|rlike|regexp)\b|::|[|][|]|\bin\s*\(\s*['\"\d-]",
    re.IGNORECASE,
)
_DAYS = re.compile(r"['\"]\s*\d{8}\s*['\"]")  # in texts, which bare SQL has not
_BY_ZERO = re.compile(r"[/%]\s*0+(?:\.0*)?(?![\w.])")
_UNPIVOT = re.compile(r"\bunpivot\s*(?:exclude\s+nulls\s*)?\(", re.IGNORECASE)
_NAMED_KEYS = re.compile(r"\bunpivot\b[^;]*?\bfor\s+[\w`]+\s+in\s*\([^)]*\bas\b", re.IGNORECASE)
_SUM = re.compile(r"[\w)\]'?]\s*[+-]\s*(?:[a-z_(:'?+-]|[\d.]+\s*[*/])", re.IGNORECASE)
_COMPARED = re.compile(
    r"(?:[<>=]|\bbetween)\s*-?\s*\d|\d\s*[<>=!]|[<>=]\s*(?:true|false)\b|\b(?:true|false)\s*[<>=!]", re.IGNORECASE
)
_NEGATED = re.compile(r"(?:^|[(,=<>+*/%-]|\b[a-z]+\s)\s*-\s*[a-z_`(]", re.IGNORECASE)
_PLACED = re.compile(r"[\w)`]\s*\[\s*[^\s\d']")
_DIVIDED = re.compile(r"[/%]\s*-?\s*[a-z_`(:?]", re.IGNORECASE)
_DAYS_OF_WEEK = ("dow", "'dow'")


def as_spark(text: str) -> str:
    """A statement or an expression for Sail; the same text, if Sail's answer to it is Spark's.

    Raises UnsupportedError for what has another answer on Sail, however it is put.
    """
    text = spelled(text)
    code = bare(text)
    if _BY_ZERO.search(code):
        raise engine.otherwise("A division by the literal 0", "it has no type")
    if _UNPIVOT.search(code):
        raise engine.otherwise("UNPIVOT", "rows without a value are there, as with INCLUDE NULLS")
    if _NAMED_KEYS.search(code):
        raise engine.otherwise("UNPIVOT with names for columns", "they have their own")
    parts = (_TOUCHED, _SUM, INTERVAL, _COMPARED, _DIVIDED, _NEGATED, _PLACED)
    if not any(one.search(code) for one in parts) and not _DAYS.search(text):
        return text
    from sqlglot.errors import SqlglotError

    try:
        return _Rewriting(text).whole()
    except RecursionError:
        raise engine.refused("SQL that is nested as deeply as this") from None
    except SqlglotError:
        raise engine.refused(f"SQL that cannot be taken apart ({' '.join(text.split())[:60]!r})") from None


class _Rewriting(Values):
    """One text, as it is written anew."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        # Sail does not find an aggregate of aggregates in ORDER BY once there is HAVING.
        self.sorted_groups = "having" in self.words and any(one.startswith("order") for one in self.words)
        self.ends: dict[str, list[str]] = {}  # of each CASE that was made, the values that it can come to

    def _is_sorted(self, at: int) -> bool:
        """Whether a token is in the ORDER BY of a SELECT that has HAVING."""
        if not self.sorted_groups:
            return False
        around = (first for first, last in self.closing.items() if first < at < last and self.words[first] == "(")
        for first in (-1, *around):
            before = [self.words[one] for one in self.level(first + 1, at) if one < at]
            if "having" in before and any(one.startswith("order") for one in before):
                return True
        return False

    def whole(self) -> str:
        end = len(self.tokens)
        if not end:
            return self.text
        last = self.tokens[-1].end + 1
        return self.text[: self.tokens[0].start] + self.between(0, end) + self.text[last:]

    def between(self, first: int, last: int) -> str:
        """The text of some tokens, with what lies between them."""
        made: list[str] = []
        looked_at, divisors = self._looked_at(first, last), self.divisors(first, last)
        at, listed = first, False
        while at < last:
            if at > first:
                made.append(self.text[self.tokens[at - 1].end + 1 : self.tokens[at].start])
            self.refuse_at(at)
            listed = self.words[at] == "select" or (listed and not ends_items(self.words[at]))
            if at > first and self.is_pattern(at):
                piece, end = self._pattern(at, last)
            elif at in divisors:
                end = divisors[at]
                piece = bound(self.between(at, end), rules.divisor)
            elif at + 1 not in looked_at and self.is_negated(at, last):
                end = self.operand_end(at + 1, last)
                piece = f"-{bound(self.between(at + 1, end), rules.negated)}"
            elif compared := self.comparison(at, last):
                end = compared.end
                piece = self._compared(compared)
            elif (at, last) != (first, end := self.product_end(at, last)) and end:
                piece = f"({self.between(at, end)})"
            elif at in looked_at:
                end, operands = looked_at[at]
                piece = of_times(self.between(at, end), operands)
            else:
                piece, end = self._whole(at, last)
            if self.is_joined(at, end):
                piece = self._joined(piece, at, end)
            elif listed and piece != self.raw(at, end) and self.is_item(at, end, first, last):
                alias = self.column(at, end)
                piece = piece if alias is None else f"{piece} AS `{alias}`"
            made.append(piece)
            if piece[-1:].isalnum() and self.is_beside(end):
                made.append(" ")  # cast(a as string)as b
            at = end
        return "".join(made)

    def _whole(self, at: int, last: int) -> tuple[str, int]:
        """A unit with what is one value with it, and what comes after it."""
        piece, end = self._unit(at, last)
        if end < last and self.words[end] in BEHIND_CALLS and end > at + 1 and self.words[at] not in BEHIND_CALLS:
            call, end = end, self.operand_end(at, last)
            piece += self.text[self.tokens[call - 1].end + 1 : self.tokens[call].start] + self.between(call, end)
            if self.words[at] in moving.KEPT and self.words[call] == "over":
                piece = self._kept(at, call + 1, piece)
        while place := self.place_in(at, end, last):
            piece = str(arrays.at_place(TEXTS, Sql(piece), Sql(f"({self.between(end + 1, place)})")))
            end = place + 1
        return piece, end

    def _joined(self, piece: str, at: int, end: int) -> str:
        """A value beside ``||``, by the rules."""
        rule = written if self.is_by_text(at, end) else rules.ARGUMENTS["concat"][1]
        return bound(piece, rule) if self.may_be_other(at, end) else piece

    def _pattern(self, at: int, last: int) -> tuple[str, int]:
        """What stands behind RLIKE, and what comes after it."""
        end = self.operand_end(at, last)
        told = self.raw(at, end)
        said = TEXTS.constant(told)
        if isinstance(said, str):
            made = regexps.truth(said)
            return (told if made == said else literal(made)), end
        return str(regexps.of_no_words(TEXTS, Sql(f"({self.between(at, end)})"))), end

    def _compared(self, one: Compared) -> str:
        """A comparison of a value with a number, or with each of two, by the rules."""
        value = self.between(*one.value)
        if not one.operator.endswith("between"):
            return beside_number(value, one.operator, one.numbers[0], flipped=one.flipped)
        low, high = one.numbers
        within = f"({beside_number(value, '>=', low)} AND {beside_number(value, '<=', high)})"
        return f"(NOT {within})" if one.operator.startswith("not") else within

    def _looked_at(self, first: int, last: int) -> dict[int, tuple[int, list[str]]]:
        """Operands of sums, by their first tokens, at which the types of all are asked: where each ends, and all."""
        found: dict[int, tuple[int, list[str]]] = {}
        for chain in self.arithmetic(first, last):
            if not any(one.sign in ("+", "-") for one in chain[1:]):
                continue
            multiplied = any(one.sign in ("*", "/") for one in chain)  # an interval of days has seconds then
            told = {one: text for one in chain if may_be_time(text := self.raw(one.first, one.end), multiplied)}
            values = [one for one, text in told.items() if not rules.LITERAL_INTERVAL.fullmatch(text)]
            if len(told) < 2 or not values:
                continue
            hours = any(map(INTERVAL.search, told.values()))
            if not self._is_sorted(values[-1].first) or not any("(" in text for text in told.values()):
                asked = [one for one, text in told.items() if "?" in bare(text)] or [values[-1]]
                found |= {one.first: (one.end, [*told.values()]) for one in asked}
            elif hours or sum(bool(_OF_ONE_TYPE.search(text)) for text in told.values()) > 1:
                whole = self.raw(chain[0].first, chain[-1].end)
                raise engine.refused(f"{whole} in the ORDER BY of a SELECT that has HAVING")
        return found

    def _unit(self, at: int, last: int) -> tuple[str, int]:
        """A call, a CASE, a parenthesis, the path of a column or any other token, and what comes after it."""
        if self.words[at] not in ("as", "over") and self.calls(at, last):
            end = self.closing[at + 1]
            return self._call(at, end), end + 1
        if at in self.closing:
            end = self.closing[at]
            if self.is_window(at):
                return self._window(at, end), end + 1
            return self._case(at, end) if self.words[at] == "case" else self._inside(at, end), end + 1
        end = at + 1
        if self.is_typed(at) and end < last:
            return self.raw(at, end + 1), end + 1
        if column := self.compared(at):
            return f"({texts.beside_date(TEXTS, self.words[at][1:-1], Sql(column))})", end
        if found := self.list_of(at, last):
            return self.in_texts(at, *found)
        end = self.path_end(at, last)
        return self.raw(at, end), end

    def _named(self, at: int, end: int) -> str:
        """A call as it is, but for what is in it."""
        return self.text[self.tokens[at].start : self.tokens[at + 1].start] + self._inside(at + 1, end)

    def _inside(self, opening: int, closing: int) -> str:
        """A parenthesis and what is in it."""
        if closing == opening + 1:
            return self.raw(opening, closing + 1)
        before = self.text[self.tokens[opening].start : self.tokens[opening + 1].start]
        after = self.text[self.tokens[closing - 1].end + 1 : self.tokens[closing].end + 1]
        return before + self.between(opening + 1, closing) + after

    def _refuse(self, name: str, given: list[tuple[int, int]], after: str) -> None:
        """Refuse a call that has another answer on Sail, whatever comes of its arguments."""
        rules.require_same(name)
        if name in ("collect_list", "collect_set") and after == "over":
            raise engine.otherwise(f"{name} over a window", "it takes nulls too")
        if name == "arrays_zip" and any("." in self.words[first:last] for first, last in given):
            raise engine.otherwise("arrays_zip of fields", "they have numbers for names; give each an alias first")
        if name in ("extract", "date_part", "datepart") and given and self.words[given[0][0]] in _DAYS_OF_WEEK:
            raise engine.otherwise("The day of the week (dow) of a date", "it is counted from 0")
        if name in ("substr", "substring") and given and self.is_from_null(*given[0]):
            raise engine.otherwise(f"{name} from or for null", "it is the whole text")

    def _call(self, at: int, end: int) -> str:
        name, given = self.words[at], self.arguments(at + 1, end)
        after = self.words[end + 1] if end + 1 < len(self.words) else ""
        self._refuse(name, given, after)
        if name in ("cast", "try_cast"):
            return self._cast(at, end)
        if several := self.first_of(name, given):
            return self.coalesce(several, [self.between(*one) for one in several])
        if after == "over" and self.moves(end + 2):
            moving.require_right(name)
            if name in moving.KEPT and "*" not in self.words[at:end]:
                return self._over_moving(name, at, given)
        return self._function(at, end, after)

    def _function(self, at: int, end: int, after: str) -> str:
        name = self.words[at]
        given = self.parts(name, self.arguments(at + 1, end))
        if name == "count" and given and self.words[given[0][0]] == "distinct" and "*" not in self.words[at:end]:
            return f"count({', '.join(argument(self.between(*one), rules.DISTINCT) for one in given)})"
        if name not in _CALLS | _OF_ONE_KIND | {"if"} or not given or self.has_from(*given[0]):
            return self._named(at, end)
        values = [self.between(*one) for one in given]
        values = mixed.with_whole(values, bound) if name in _OF_ONE_KIND else values
        if name == "if" and len(values) == 3:
            condition, one, other = values
            return self._chosen("", [("when", condition), ("then", one), ("else", other)])
        values = self.as_texts(name, given, values)
        if name in arrays.MADE and (made := arrays.MADE[name](TEXTS, list(map(Sql, values)))) is not None:
            return str(made)
        if name in rules.EXTREMES and len(values) == 1:
            return self._extreme(name, values[0], after)
        said = self.raw(at, at + 1)
        if (twice := rules.TWICE.get(name)) and "*" not in values:
            return f"{said}({', '.join([values[0], *self.told_twice(twice, given[1:], values[1:])])})"
        found = rules.argument(TEXTS, name, values)
        if found and "*" not in values and not self.among_texts(name, given):
            place, rule = found
            values = [argument(one, rule) if place in (rules.EVERY, at) else one for at, one in enumerate(values)]
            return f"{said}({', '.join(values)})"
        if name in ("datediff", "date_diff") and len(values) == 3:
            raise engine.otherwise(f"{name} of a unit", rules.REFUSED["timestampdiff"])
        of_call = calls.CALLS.get(name)
        if name == "get_json_object" and self.has_twice(name, given):
            of_call = json_paths.of_plain_json
        if of_call and calls.takes(of_call, len(values)):
            return self.if_not_mixed(name, given, values, by_rule(said, of_call, values))
        return self.if_not_mixed(name, given, values, f"{said}({', '.join(values)})")

    def _window(self, opening: int, closing: int) -> str:
        """The parenthesis of a window, whose keys may be no zero and no NaN with a sign. Frames of intervals are right
        over times, and not over dates."""
        made, at, counted = "", opening, self.range_by(opening, closing)
        for first, last in self.keys(opening, closing):
            key, orders = self.between(first, last), self.words[first - 1] == "order by"
            if orders and counted == "interval":
                key = f"CAST({key} AS TIMESTAMP)"
            elif orders and counted == "number":
                key = bound(key, rules.no_date)
            else:
                key = bound(key, rules.WITHOUT_SIGNS)
            made += f"{self.text[self.tokens[at].start : self.tokens[first].start]}{key} "
            at = last
        return made + self.raw(at, closing + 1)

    def _over_moving(self, name: str, at: int, given: list[tuple[int, int]]) -> str:
        values = [self.between(*one) for one in given]
        if found := rules.ARGUMENTS.get(name):
            values = [argument(one, found[1]) for one in values]
        return f"{self.raw(at, at + 1)}({', '.join(argument(one, moving.FINITE) for one in values)})"

    def _kept(self, at: int, over: int, piece: str) -> str:
        """A call over a window, which begins or is named at a token, by what is left of a frame that rows leave."""
        opening, given = self.window_at(over), self.arguments(at + 1, self.closing[at + 1])
        if not opening or len(given) != 1 or self.words[given[0][0]] == "distinct" or not self.moves(opening):
            return piece
        closing, named = self.closing[opening], self.words[over]
        window, part = self._window(opening, closing), self.raw(opening + 1, self.parted_to(opening, closing))
        window = window if over == opening else named
        return moving.kept_sql(TEXTS, self.words[at], piece, self.between(*given[0]), window, part)

    def _cast(self, at: int, end: int) -> str:
        marks = [one for one in self.level(at + 2, end) if self.words[one] == "as"]
        if not marks:
            return self._named(at, end)
        target = self.raw(marks[-1] + 1, end)
        casts.require_no_time(TEXTS.constant(self.raw(at + 2, marks[-1])), target)
        rule = casts.rule(target, self.words[at].upper())
        if rule is None:
            return self._named(at, end)
        return bound(self.between(at + 2, marks[-1]), rule)

    def _extreme(self, name: str, value: str, after: str) -> str:
        value = DISTINCT.sub("", value)  # which is all the same to a maximum
        if after == "over":
            return f"{name}({bound(value, rules.NO_NULL_INSIDE)})"
        if after == "filter" or self.sorted_groups or ONCE.search(value):
            return f"{name}({bound(value, rules.IN_ORDER)})"
        return f"({rules.extreme(TEXTS, name, Sql(f'({value})'))})"  # of which a field may be asked

    def _case(self, at: int, end: int) -> str:
        marks = [one for one in self.level(at + 1, end) if self.words[one] in ("when", "then", "else")] + [end]
        told = [(self.words[one], self.between(one + 1, following)) for one, following in pairwise(marks)]
        operand = self.between(at + 1, marks[0]) if marks[0] > at + 1 else ""
        made = self._chosen(operand, told)
        raw = self.raw(at, end + 1)
        return raw if same(made, raw) else made

    def _chosen(self, operand: str, told: list[tuple[str, str]]) -> str:
        """CASE, of ``when``, ``then`` and ``else`` and what follows each; for Sail with one branch more, if need be."""
        spoken = iter(mixed.with_whole([text for word, text in told if word != "when"], bound))
        told = [(word, text if word == "when" else next(spoken)) for word, text in told]
        values = [text for word, text in told if word != "when"]
        ends = [end for value in values for end in self.ends.get(value, [value])]  # those of a CASE in a CASE too
        if any(map(is_quoted, ends)):  # all are texts
            told = [(word, text if word == "when" else self._end_as_text(text)) for word, text in told]
            ends = ["''" if _may_be_other(one) else one for one in ends]
        rest = " ".join(f"{word.upper()} {text}" for word, text in told)
        kinds = {"'" if one.startswith("'") else one.lower() for one in ends} - {"null"}
        if len(kinds) > 1 and not any("?" in bare(one) for one in ends):
            never = "NULL" if operand else "false"  # an operand is not equal to null, whatever it is
            _, typed = rules.of_one_type(TEXTS, list(map(Sql, ends)))
            asked = [Sql(one) for one in ends if _may_be_other(one)]
            if len(asked) > 1 and not operand and not any(map(ONCE.search, asked)):
                condition, refused = texts.mixed(TEXTS, "case", asked)
                rest = f"WHEN {condition} THEN {refused} {rest}"
            rest = f"WHEN {never} THEN {typed} {rest}"
        made = f"CASE {operand + ' ' if operand else ''}{rest} END"
        self.ends[made] = ends
        return made

    def _end_as_text(self, value: str) -> str:
        """A value of a CASE as text; one that is a CASE of texts is one."""
        if any(map(_may_be_other, self.ends.get(value, [value]))):
            return bound(value, written)
        return value


def _may_be_other(told: str) -> bool:
    """Whether a value of a CASE is no literal."""
    return not is_quoted(told) and bool(NAMES.match(told.lstrip("(- "))) and told.lower() not in _WORDS
