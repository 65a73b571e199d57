"""What Sail has no word for in SQL: the key of a join with USING by the alias of the first table, which Sail has by its
own name alone, GROUP BY ALL and by Python functions, PIVOT of one column, an ORDER BY of an aggregate behind HAVING."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lakelet.etl.sail import functions
from lakelet.etl.sail.sql_items import VALUE_ENDS, ends_items
from lakelet.etl.sail.sql_tokens import Tokens
from lakelet.etl.sail.statements import bare

_TOUCHED = re.compile(r"\busing\s*\(|\bgroup\s+by\s+all\b|\bpivot\b|\bhaving\b.*\border\b", re.IGNORECASE | re.DOTALL)
_GROUPED = re.compile(r"\bgroup\s+by\b", re.IGNORECASE)
_ENDS_OF_KEYS = frozenset(("having", "order by", "limit", "offset", "window", "union", "except", "intersect", ")", ";"))
_OTHERS = frozenset(("right", "full", "natural", "lateral", "union", "union all", "intersect", "except", "minus"))
AGGREGATES = frozenset(
    (
        "any", "any_value", "approx_count_distinct", "array_agg", "avg", "bool_and", "bool_or", "collect_list",
        "collect_set", "corr", "count", "count_if", "every", "first", "first_value", "last", "last_value", "listagg",
        "max", "max_by", "mean", "median", "min", "min_by", "mode", "percentile", "some", "std", "stddev",
        "stddev_pop", "stddev_samp", "string_agg", "sum", "var_pop", "var_samp", "variance",
    )
)  # fmt: skip


def named(text: str) -> str:
    """The text with each ``a.key`` as ``key``, where it is the first of the tables in the one FROM of the text, and no
    join keeps the key of another one, and with the numbers of columns for ALL and for keys of an order behind HAVING;
    the text as it is otherwise.
    """
    code = bare(text)
    if not _TOUCHED.search(code) and not (_GROUPED.search(code) and functions.names_one(text)):
        return text
    from sqlglot.errors import SqlglotError

    try:
        for told in (_named, _grouped, _numbered, _pivoted, _ordered):
            text = told(Tokens(text))
        return text
    except SqlglotError:  # Sail's parser says what is wrong
        return text


def _grouped(tokens: Tokens) -> str:
    edits = []
    for at in range(1, len(tokens.words)):
        if tokens.words[at - 1 : at + 1] == ["group by", "all"] and (items := items_of(tokens, at)):
            keys = [str(number) for number, one in enumerate(items, 1) if AGGREGATES.isdisjoint(_calls(tokens, *one))]
            edits.append((at - (not keys), at + 1, ", ".join(keys)))  # of aggregates alone there are no groups
    return tokens.edited(edits)


def _numbered(tokens: Tokens) -> str:
    """A Python function that rows are grouped by is the column of its number: Sail does not find it in SELECT."""
    edits = []
    for at, word in enumerate(tokens.words):
        items = items_of(tokens, at) if word == "group by" else []
        values = [bare_item(tokens, *one) for one in items]
        for one in keys_of(tokens, at + 1) if items else ():
            if functions.names_one(tokens.raw(*one)) and bare_item(tokens, *one) in values:
                edits.append((*one, str(values.index(bare_item(tokens, *one)) + 1)))
    return tokens.edited(edits)


def keys_of(tokens: Tokens, at: int) -> Iterator[tuple[int, int]]:
    """What rows are grouped or put in order by from a token on, each its first token and the one after its last."""
    first: int | None = at
    for place in (*tokens.level(at, len(tokens.words)), len(tokens.words)):
        word = tokens.words[place] if place < len(tokens.words) else ";"
        ends = word in _ENDS_OF_KEYS
        if first is not None and (ends or word in (",", "asc", "desc", "nulls")):
            yield first, place
            first = None
        if word == ",":
            first = place + 1
        elif ends:
            return


def _pivoted(tokens: Tokens) -> str:
    places = [at for at, word in enumerate(tokens.words) if word == "for" and tokens.words[at + 2 : at + 3] == ["in"]]
    return tokens.edited([(at + 1, at + 2, f"({tokens.raw(at + 1, at + 2)})") for at in places])


def _ordered(tokens: Tokens) -> str:
    """Sail does not find an aggregate in an ORDER BY once there is HAVING, but the column of its number."""
    edits = []
    for at, word in enumerate(tokens.words):
        items = items_of(tokens, at) if word == "order by" else []
        if not items or "having" not in [tokens.words[one] for one in tokens.level(items[-1][1], at)]:
            continue
        values = [bare_item(tokens, *one) for one in items]
        begin = at + 1
        for one in (*tokens.level(at + 1, len(tokens.words)), len(tokens.words)):
            ends = one == len(tokens.words) or tokens.words[one] in (",", "asc", "desc", "nulls", "limit", ")", ";")
            if ends and begin:
                if bare_item(tokens, begin, one) in values and one - begin > 1:
                    edits.append((begin, one, str(values.index(bare_item(tokens, begin, one)) + 1)))
                begin = 0
            if one < len(tokens.words) and tokens.words[one] == ",":
                begin = one + 1
            elif one < len(tokens.words) and tokens.words[one] in ("limit", ")", ";"):
                break
    return tokens.edited(edits)


def bare_item(tokens: Tokens, first: int, last: int) -> str:
    """A value without its alias, in which blanks and capitals do not count."""
    level = [*tokens.level(first, last)]
    named = last - first > 1 and tokens.is_word(last - 1) and tokens.tokens[last - 2].token_type.name in VALUE_ENDS
    last = next((one for one in level if tokens.words[one] == "as"), last - named)
    return " ".join(tokens.words[first:last])


def items_of(tokens: Tokens, at: int) -> list[tuple[int, int]]:
    """The items of the SELECT that a clause is of, each its first token and the one after its last."""
    opening = max(
        (one for one, end in tokens.closing.items() if one < at < end and tokens.words[one] == "("), default=-1
    )
    level = [one for one in tokens.level(opening + 1, at) if one < at]
    first = max((one for one in level if tokens.words[one] == "select"), default=None)
    last = next((one for one in level if first is not None and one > first and ends_items(tokens.words[one])), None)
    if first is None or last is None:
        return []
    return tokens.arguments(first, last)


def _calls(tokens: Tokens, first: int, last: int) -> set[str]:
    return {tokens.words[one] for one in range(first, last) if tokens.calls(one, last)}


def _named(tokens: Tokens) -> str:
    words = [word.strip("`") for word in tokens.words]
    if words.count("from") != 1 or not _OTHERS.isdisjoint(words):
        return tokens.text
    after = words.index("from") + 1
    end = next((at for at in range(after, len(words)) if words[at] in ("join", "left", "inner", "cross", ",")), after)
    keys = {
        words[key]
        for at, word in enumerate(words)
        if word == "using" and at + 1 in tokens.closing
        for key in range(at + 2, tokens.closing[at + 1])
    } - {","}
    if end == after or words[end] == "," or not tokens.is_word(end - 1):
        return tokens.text
    alias, made, at = words[end - 1], "", 0
    for place in range(len(words) - 2):
        is_key = words[place : place + 2] == [alias, "."] and words[place + 2] in keys
        if is_key and (place == 0 or words[place - 1] != "."):
            made += tokens.text[at : tokens.tokens[place].start]
            at = tokens.tokens[place + 2].start
    return made + tokens.text[at:]
