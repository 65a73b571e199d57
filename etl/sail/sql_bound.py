"""A rule of a value in SQL text, which may stand there more than once."""

from __future__ import annotations

import re

from etl.sail import casts, rules, texts
from etl.sail.notations import Sql, Texts
from etl.sail.sql_tokens import PATH
from etl.sail.statements import bare

_VALUE = "_lakelet_v"
LONGEST = 1500  # characters of a value that may stand in a text more than once
CHANCE = re.compile(rf"\b(?:{'|'.join(sorted(rules.NOT_TWICE))})\s*\(", re.IGNORECASE)
ONCE = re.compile(rf"{CHANCE.pattern}|\bover\b|\bselect\b|[?]", re.IGNORECASE)
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
    return f"element_at(transform(array({value}, NULL), {_VALUE} -> {rule(TEXTS, Sql(_VALUE))}), 1)"
