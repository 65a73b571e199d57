"""A rule of a value in SQL text, which may stand there more than once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from lakelet.etl.sail import casts, engine, mixed, rules, texts
from lakelet.etl.sail.notations import Notation, Sql, Texts
from lakelet.etl.sail.sql_tokens import PATH
from lakelet.etl.sail.statements import bare

_VALUE = "_lakelet_v"
DISTINCT = re.compile(r"distinct\b\s*", re.IGNORECASE)
LONGEST = 1500  # characters of a value that may stand in a text more than once
CHANCE = re.compile(rf"\b(?:{'|'.join(sorted(rules.NOT_TWICE))})\s*\(", re.IGNORECASE)
NOT_AGAIN = re.compile(rf"{CHANCE.pattern}|\bselect\b|[?]", re.IGNORECASE)
ONCE = re.compile(rf"{NOT_AGAIN.pattern}|\bover\b", re.IGNORECASE)
TEXTS = Texts()


def bound(value: str, rule: casts.Rule) -> str:
    """A rule of a value: of one that is to be computed once, by a lambda."""
    if PATH.fullmatch(value.strip()):
        return str(rule(TEXTS, Sql(value.strip())))
    if texts.size(value) < LONGEST and not ONCE.search(bare(value)):
        return str(rule(TEXTS, Sql(f"({value})")))
    return by_lambda(value, rule)


def is_large(value: str) -> bool:
    """Whether it is for its length alone that a value may not stand in a text more than once."""
    return texts.size(value) >= LONGEST and not ONCE.search(bare(value))


def by_lambda(value: str, rule: casts.Rule) -> str:
    """A rule of a value that is computed once."""
    return f"get(transform(array({value}, NULL), {_VALUE} -> {rule(TEXTS, Sql(_VALUE))}), 0)"


def by_rule(said: str, rule: Callable[..., Any], values: Sequence[str]) -> str:
    """A call by a rule of it (:mod:`lakelet.etl.sail.calls`), which may name each of its values several times."""
    first, *others = values
    rest = [Sql(f"({one})") for one in others]
    as_it_is = Sql("")
    if rule(TEXTS, as_it_is, Sql(first), *rest) is as_it_is or is_left(said.lower(), values):
        return f"{said}({', '.join(values)})"
    if any(CHANCE.search(bare(one)) or "?" in bare(one) for one in rest):
        raise engine.refused(f"A value that is another one each time, in {said}")

    def called(e: Notation, value: Any) -> Any:
        return rule(e, e.call(said, value, *rest), value, *rest)

    return f"({bound(first, called)})"


def argument(value: str, rule: casts.Rule) -> str:
    """An argument by a rule; DISTINCT stays before it."""
    unique = DISTINCT.match(value)
    return f"{unique[0]}{bound(value[unique.end() :], rule)}" if unique else bound(value, rule)


def beside_number(value: str, operator: str, number: str, *, flipped: bool = False) -> str:
    """A comparison with a number by the rules; ``flipped``: the number comes first."""

    def said(e: Notation, operand: Any, *double: float) -> Any:
        sides = (operand, double[0] if double else Sql(number))
        return e.infix(sides[flipped], operator, sides[not flipped])

    whole = number.lstrip("-").isdigit()
    meant = number == "true" if number in ("true", "false") else int(number) if whole else Decimal(number)
    return f"({bound(value, lambda e, v: mixed.beside_number(e, v, meant, partial(said, e)))})"


def is_left(name: str, values: Sequence[str]) -> bool:
    """Whether it is for its texts alone that a call would be made anew, and one of its values is another each time."""
    plain = not any(isinstance(TEXTS.constant(Sql(one)), str) for one in values)
    return name in texts.CHOSEN and plain and any(NOT_AGAIN.search(bare(one)) for one in values)


def of_times(value: str, operands: list[str]) -> str:
    """An operand of a sum by the types of all, whose texts they are; one with a parameter stands but once."""
    known = [Sql(one) for one in operands if "?" not in bare(one)]
    if len(known) == len(operands):
        return str(rules.of_times(TEXTS, Sql(value), known))
    return by_lambda(value, lambda e, v: rules.of_times(e, v, [*(known or [v]), v]))
