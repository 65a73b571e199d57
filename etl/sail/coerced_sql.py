"""SQL in which values are told in the types that Spark makes of them (:mod:`lakelet.etl.sail.coercion`), and the fields
of what lies in arrays and maps as it finds them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from lakelet.etl.paths import quoted
from lakelet.etl.sail.coercion import NUMERIC, OF_ONE_TYPE, OPERATORS, as_target, targets
from lakelet.etl.sail.names import CAPITALS
from lakelet.etl.sail.notations import Sql, Texts
from lakelet.etl.sail.sql_items import Items
from lakelet.etl.sail.sql_tokens import PATH, done
from lakelet.etl.sail.texts import COMPARISONS, TEXTS

Kind = Callable[[str], str]  # the type of what a text is, as SQL tells it; empty, if it is not known
_EXTREMES = ("greatest", "least")
_LITERALS = (
    (re.compile(r"'.*'|\".*\"", re.DOTALL), "string"),
    (re.compile(r"-?\d{1,9}"), "int"),
    (re.compile(r"-?\d{10,18}|-?\d+L", re.IGNORECASE), "bigint"),
    (re.compile(r"-?\d*\.\d+|-?\d+\.\d*"), "decimal"),
    (re.compile(r"true|false", re.IGNORECASE), "boolean"),
    (re.compile(r"null", re.IGNORECASE), "void"),
    (re.compile(r"current_date(?:\s*\(\s*\))?|date\s*'[^']*'", re.IGNORECASE), "date"),
    (re.compile(r"current_timestamp(?:\s*\(\s*\))?|now\s*\(\s*\)|timestamp\s*'[^']*'", re.IGNORECASE), "timestamp"),
)
_CALLS = dict.fromkeys(TEXTS, "string") | {"to_date": "date", "to_timestamp": "timestamp"}
_AROUND = (*OPERATORS, "||", ".", "::", "[")  # beside what is no whole operand of a comparison
_FIELD = re.compile(r"(?P<of>.+)\.\s*(?P<field>\w+|`[^`]+`)", re.DOTALL)


def may_be_coerced(name: str) -> bool:
    """Whether Spark makes one type of what is given to a function, or puts a number in the place of a text."""
    return name in OPERATORS or name in NUMERIC or name in COMPARISONS or name in OF_ONE_TYPE or name in _EXTREMES


def of_statement(text: str, columns: Callable[[str], list[tuple[str, str]]]) -> str | None:
    """A statement by the types of its tables' columns, which ``columns`` finds (none of what is no table); None, if
    nothing is otherwise, or not all is known."""
    import sqlglot
    from sqlglot import exp

    try:
        statement = sqlglot.parse_one(text, dialect="spark")
    except (sqlglot.errors.SqlglotError, RecursionError):  # Sail has said what is wrong
        return None
    own = {one.alias.lower() for one in statement.find_all(exp.CTE)}
    qualifiers = {one.alias_or_name.lower() for one in statement.find_all(exp.Table, exp.Subquery)} | own
    if statement.find(exp.Pivot) or any(
        one.is_star and one.table and one.table.lower() not in qualifiers for one in statement.find_all(exp.Column)
    ):
        return None  # columns come of values, or of the fields of a struct
    kinds: dict[str, set[str]] = {}
    for table in statement.find_all(exp.Table):
        if table.db or table.name.lower() not in own:
            found = columns(".".join(quoted(one.name) for one in table.parts)) if table.name else []
            if not found:
                return None
            for name, kind in found:
                kinds.setdefault(name.lower(), set()).add(kind)
    for alias in statement.find_all(exp.Alias):
        same = isinstance(alias.this, exp.Column) and alias.this.name.lower() == alias.alias.lower()
        if not same:
            kinds.setdefault(alias.alias.lower(), set()).add(_kind(alias.this.sql("spark")))
    named = [column for one in statement.find_all(exp.TableAlias) for column in one.columns]
    named += [variable for one in statement.find_all(exp.Lambda) for variable in one.expressions]
    for column in named:
        kinds.setdefault(column.name.lower(), set()).add("")

    def kind_of(operand: str) -> str:
        """By the name of a column, whichever table or alias it is of, if all of that name have one type."""
        if not PATH.fullmatch(operand) or _kind(operand):
            return _kind(operand)
        *before, name = (one.strip(" `").lower() for one in operand.split("."))
        found = kinds.get(name, set()) if set(before) <= qualifiers else set()
        return next(iter(found)) if len(found) == 1 else ""

    told = with_types(text, kind_of, lambda name: name.lower() in qualifiers)
    return None if told == text else told


def _kind(operand: str) -> str:
    """The type of a literal, or of a call of a function that makes but one."""
    if found := next((kind for form, kind in _LITERALS if form.fullmatch(operand)), ""):
        return found
    items = Items(operand)
    return _CALLS.get(items.words[0], "") if items.words and items.closing.get(1) == len(items.words) - 1 else ""


def with_types(text: str, kind_of: Kind, is_qualifier: Callable[[str], bool]) -> str:
    """SQL with its operands in other types; items of a SELECT keep their names, or the text stays as it is."""
    from sqlglot.errors import SqlglotError

    try:
        return _with_types(Items(text), kind_of, is_qualifier)
    except SqlglotError:
        return text


def _with_types(items: Items, kind_of: Kind, is_qualifier: Callable[[str], bool]) -> str:
    told: dict[int, tuple[int, str]] = {}

    def put(first: int, end: int, value: str) -> None:
        if not any(at < end and first < after for at, (after, _) in told.items()):
            told[first] = (end, value)

    for name, operands in _groups(items):
        texts = [items.raw(*one) for one in operands]
        for one, operand, target in zip(operands, texts, targets(name, list(map(kind_of, texts))), strict=True):
            if target:
                value = str(as_target(Texts(), Sql(operand), target))
                put(*one, done(value) if PATH.fullmatch(operand) else value)
    for first, end in _paths(items):
        if value := _member(items.raw(first, end), kind_of):
            put(first, end, value)
    for first, last in items.selects():
        for start, end in items.arguments(first - 1, last):
            begin = start + (items.words[start] in ("distinct", "all"))
            if any(begin <= at < end for at in told) and not _has_alias(item := items.raw(begin, end)):
                name = name_of(item, is_qualifier)
                if not name:
                    return items.text
                at = next((at for at, (after, _) in told.items() if after == end), end - 1)
                value = told[at][1] if at in told else items.raw(at, end)
                told[at] = (end, f"{value} AS {quoted(name)}")
    return items.edited((at, end, value) for at, (end, value) in sorted(told.items()))


def _groups(items: Items) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Operands that are to have types that fit, and what they are operands of; outer ones first."""
    whole = [(0, len(items.words)), *((one + 1, end) for one, end in sorted(items.closing.items()))]
    for first, last in whole:
        for chain in items.arithmetic(first, last):
            if len(chain) > 1:
                yield ("-" if any(one.sign == "-" for one in chain) else "+"), [(one.first, one.end) for one in chain]
        before = items.words[first - 2] if first > 1 else ""
        if items.words[first - 1 : first] == ["case"]:
            marks = [one for one in items.level(first, last) if items.words[one] in ("when", "then", "else")] + [last]
            ends = [(one, after) for one, after in pairwise(marks) if items.words[one] != "when"]
            yield "case", [(one + 1, after) for one, after in ends]
        elif before == "in" and items.words[first] not in ("select", "with"):
            start = _operand_start(items, first - 2 - (items.words[first - 3] == "not"))
            if start is not None:
                yield "in", [(start, first - 2 - (items.words[first - 3] == "not")), *items.arguments(first - 1, last)]
        elif before in NUMERIC or before in OF_ONE_TYPE or before in _EXTREMES:
            yield before, items.arguments(first - 1, last)
    for at, word in enumerate(items.words):
        if word in COMPARISONS and 0 < at < len(items.words) - 1:
            start, end = _operand_start(items, at), items.operand_end(at + 1, len(items.words))
            behind = items.words[end] if end < len(items.words) else ""
            if start is not None and behind not in _AROUND and items.words[at + 1] not in ("-", "any", "all", "some"):
                yield word, [(start, at), (at + 1, end)]


def _operand_start(items: Items, end: int) -> int | None:
    """Where a value begins that ends before a token; None, if it is a part of another one."""
    opened = {closing: opening for opening, closing in items.closing.items()}
    at = opened.get(end - 1, end - 1)
    if at != end - 1 and items.words[at] == "(" and items.calls(at - 1, end):
        at -= 1
    while at > 1 and items.words[at - 1] == "." and items.is_name(at):
        at -= 2
    value = items.is_word(at) or items.is_name(at) or items.words[at][:1] in "('`\"" or items.words[at].isdigit()
    return at if value and (at == 0 or items.words[at - 1] not in _AROUND) else None


def _paths(items: Items) -> Iterator[tuple[int, int]]:
    """The paths of columns that have points in them."""
    at = 0
    while at < len(items.words):
        end = at + 1
        while end + 1 < len(items.words) and items.words[end] == "." and items.words[end + 1] != "*":
            end += 2
        calls = end < len(items.words) and items.words[end] == "("
        if end > at + 1 and not calls and PATH.fullmatch(items.raw(at, end)):
            yield at, end
        at = end


def _member(path: str, kind_of: Kind) -> str:
    """What is in a map, or in the structs of an array, by its name behind a point; empty for another path."""
    found = _FIELD.fullmatch(path)
    if not found or kind_of(path):
        return ""
    kind, field = kind_of(found["of"]), found["field"].strip("`")
    if kind.startswith("map<string,"):
        return f"{found['of']}['{field}']"
    return f"transform({found['of']}, _v -> _v.{quoted(field)})" if kind.startswith("array<struct<") else ""


def _has_alias(item: str) -> bool:
    import sqlglot

    return type(sqlglot.parse_one(item, dialect="spark")).__name__ == "Alias"


def name_of(text: str, is_qualifier: Callable[[str], bool]) -> str:
    """What Spark calls an item of columns and numbers in arithmetic; empty for another one, or one that has a name."""
    import sqlglot
    from sqlglot import exp

    signs: dict[Any, str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}

    def name(one: Any) -> str:
        if isinstance(one, exp.Column | exp.Literal | exp.Dot):
            return name_of_path([part.name for part in getattr(one, "parts", [one])], is_qualifier)
        if isinstance(one, exp.Paren):
            return name(one.this)
        if type(one) in signs:
            return name_of_call(signs[type(one)], map(name, (one.this, one.expression)))
        return name_of_call(one.key, [name(one.this)]) if isinstance(one, exp.Sum | exp.Avg | exp.Min | exp.Max) else ""

    whole = sqlglot.parse_one(text, dialect="spark")
    return str(whole.name) if isinstance(whole, exp.Column | exp.Dot) else name(whole)


def name_of_path(parts: Sequence[str], is_qualifier: Callable[[str], bool]) -> str:
    """What Spark calls a column in an expression: with the structs that it is a field of."""
    return ".".join(parts[1:] if len(parts) > 1 and is_qualifier(parts[0]) else parts)


def name_of_call(function: str, arguments: Iterable[str]) -> str:
    """What Spark calls a function of what has these names; empty, if one of them has none."""
    parts = list(arguments)
    if not parts or not all(parts):
        return ""
    if function in OPERATORS and len(parts) == 2:
        return f"({parts[0]} {function} {parts[1]})"
    if function == "not":
        return f"(NOT {parts[0]})"
    if function in COMPARISONS and len(parts) == 2:
        return f"({parts[0]} {'=' if function == '==' else function} {parts[1]})"
    capital = function in CAPITALS or (function == "log" and len(parts) == 2)
    return f"{function.upper() if capital else function}({', '.join(parts)})"
