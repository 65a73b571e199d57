"""Clauses of a SELECT that Sail looks at in another order than Spark: WHERE before LATERAL VIEW, whose columns it does
not find there, and ORDER BY after the aggregates, of which it finds those of its columns alone."""

from __future__ import annotations

import re

from lakelet.etl.sail.sql_keys import AGGREGATES, bare_item, items_of, keys_of
from lakelet.etl.sail.sql_tokens import Tokens
from lakelet.etl.sail.statements import bare

_KEY = "_lakelet_key"
_VIEWS = re.compile(r"\blateral\s+view\b.*\bwhere\b", re.IGNORECASE | re.DOTALL)
_ORDERED = re.compile(r"\bgroup\s+by\b.*\border\s+by\b", re.IGNORECASE | re.DOTALL)
_SETS = frozenset(("union", "union all", "except", "intersect", "minus", "distinct"))
_BEHIND_WHERE = frozenset(
    ("group by", "having", "order by", "limit", "offset", "window", "union", "except", "intersect")
)


def with_views(text: str) -> str:
    """The text with what WHERE is of in a subquery, where it names columns of a LATERAL VIEW of one table."""
    if not _VIEWS.search(bare(text)):
        return text
    from sqlglot.errors import SqlglotError

    try:
        tokens = Tokens(text)
        for at in reversed([at for at, word in enumerate(tokens.words) if word == "where"]):
            tokens = Tokens(_with_views(tokens, at))
        return tokens.text
    except SqlglotError:  # Sail's parser says what is wrong
        return text


def with_keys(text: str) -> tuple[str, list[str]]:
    """A statement with a column for each key of its ORDER BY that has an aggregate which is none of its columns, and
    the names of those, which are to be dropped."""
    if not _ORDERED.search(bare(text)):
        return text, []
    from sqlglot.errors import SqlglotError

    try:
        return _with_keys(Tokens(text))
    except SqlglotError:
        return text, []


def _with_views(tokens: Tokens, where: int) -> str:
    words = tokens.words
    around = (one for one, end in tokens.closing.items() if one < where < end and words[one] == "(")
    opening = max(around, default=-1)
    stop = tokens.closing.get(opening, len(words))
    level = [*tokens.level(opening + 1, stop)]
    views = [at for at in level if words[at : at + 2] == ["lateral", "view"] and at < where]
    before = [at for at in level if words[at] in ("select", "from") and at < min(views, default=0)]
    if [words[at] for at in before[-2:]] != ["select", "from"]:
        return tokens.text
    select, first = before[-2], before[-1] + 1
    end = next((at for at in level if at > where and words[at] in _BEHIND_WHERE), stop)
    last = next((at for at in level if at > where and words[at] in _SETS), stop)
    generated = dict(_generated(tokens, at, where) for at in views)
    named = {name for names in generated.values() for name in names}
    source = _source(tokens, first, views[0])
    if source is None or named.isdisjoint(word.strip("`") for word in words[where + 1 : end]):
        return tokens.text
    called = f" AS {source}" if source else ""
    edits = [(first, where, f"(SELECT * FROM {tokens.raw(first, where)}){called}")]  # noqa: S608 - a script's own
    for at in (*range(select, first), *range(where, last - 2)):
        if words[at] in generated and words[at + 1] == "." != words[at - 1]:
            if words[at + 2] == "*":
                return tokens.text
            edits.append((at, at + 2, ""))
    return tokens.edited(sorted(edits))


def _source(tokens: Tokens, first: int, last: int) -> str | None:
    """What the one table of a FROM is called, which may be nothing; None, if there are several."""
    words, end = tokens.words, tokens.closing.get(first, first) + 1
    while words[end] == "." and end < last:
        end += 2
    if end == last:
        return "" if words[first] == "(" else tokens.raw(last - 1, last)
    end += words[end] == "as"
    return tokens.raw(end, last) if end == last - 1 else None


def _generated(tokens: Tokens, at: int, last: int) -> tuple[str, list[str]]:
    """The alias of a LATERAL VIEW, and its columns."""
    at += 3 if tokens.words[at + 2] == "outer" else 2
    at = tokens.closing.get(at + 1, at) + 1
    alias, names = tokens.words[at], []
    for one in range(at + 1, last):
        if tokens.words[one] in ("lateral", "where"):
            break
        if tokens.words[one] not in ("as", ","):
            names.append(tokens.words[one].strip("`"))
    return alias, names or ["col", "key", "value", "pos"]


def _with_keys(tokens: Tokens) -> tuple[str, list[str]]:
    words = tokens.words
    top = [*tokens.level(0, len(words))]
    order = next((at for at in top if words[at] == "order by"), None)
    items = items_of(tokens, order) if order is not None else []
    if order is None or not items or "group by" not in [words[at] for at in top] or _SETS & {words[at] for at in top}:
        return tokens.text, []
    told = {bare_item(tokens, *one) for one in items}
    aliases = {tokens.words[last - 1].strip("`") for _, last in items}
    keys = [
        one
        for one in keys_of(tokens, order + 1)
        if _aggregates(tokens, *one)
        and bare_item(tokens, *one) not in told
        and aliases.isdisjoint(word.strip("`") for word in words[slice(*one)] if word != ")")
    ]
    if not keys:
        return tokens.text, []
    names = [f"{_KEY}{at}" for at in range(len(keys))]
    more = "".join(f", {tokens.raw(*one)} AS {name}" for one, name in zip(keys, names, strict=True))
    last = items[-1][1]
    edits = [(last - 1, last, tokens.raw(last - 1, last) + more)]
    edits += [(*one, name) for one, name in zip(keys, names, strict=True)]
    return tokens.edited(edits), names


def _aggregates(tokens: Tokens, first: int, last: int) -> bool:
    """Whether an expression has an aggregate in it, and neither a window nor a subquery."""
    words = tokens.words[first:last]
    calls = {tokens.words[at] for at in range(first, last) if tokens.calls(at, last)}
    return not AGGREGATES.isdisjoint(calls) and "over" not in words and "select" not in words
