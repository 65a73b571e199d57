"""Functions of regular expressions: their patterns in Rust's words (:mod:`lakelet.etl.sail.patterns`), and what else
differs (:mod:`lakelet.etl.sail.calls`)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from lakelet.etl.sail import engine
from lakelet.etl.sail.notations import Notation
from lakelet.etl.sail.patterns import in_rust
from lakelet.etl.sail.values import matches, refusal, whole

_GROUP, _ODD_GROUP = re.compile(r"\$(\d)"), re.compile(r"\$\d\d|\$(?![\d{])")
_PLACES = re.compile(r"(\^|\$|\\b|\||\\A|\\z)*")  # patterns that match nothing, at some places
_AT_BEGIN = re.compile(r"\^[^|]*")  # that match once
_OF_ITS_OWN = r"[.$]|\\[a-zA-Z<>]|\(\?"  # in patterns that may mean another thing to Rust
_NOTHING = "A pattern that matches nothing as well", "it is found less often"
Rule = Callable[..., Any]  # of a call whose pattern is in Rust's words


def by_units(e: Notation, call: Any, v: Any) -> Any:
    """Java has two units of UTF-16 for a character beyond the first 65,536, each of which counts."""
    refused = refusal(e, "A character beyond the first 65,536", "it is one, where Spark has two halves of it")
    return e.case((matches(e, v, r"[^\x{0}-\x{FFFF}]"), refused), otherwise=call)


def truth(text: str) -> str:
    """A pattern of which it is asked whether it matches, in Rust's words. Raises UnsupportedError."""
    return in_rust(text, truth=True).text


def of_no_words(e: Notation, pattern: Any) -> Any:
    """A pattern that is no literal; a refusal when it is one that Rust may read in another way."""
    refused = refusal(e, "A pattern from a column", "its words may mean another thing")
    return e.case((matches(e, pattern, _OF_ITS_OWN), refused), otherwise=pattern)


def _matched(name: str, e: Notation, call: Any, v: Any, pattern: Any) -> Any:
    """Whether a pattern matches."""
    said = e.constant(pattern)
    if said is None:
        return e.call(name, v, of_no_words(e, pattern))
    made = truth(said)
    return call if made == said else e.call(name, v, made)


def _of_pattern(
    e: Notation, call: Any, v: Any, pattern: Any, *rest: Any, name: str, rule: Rule, counts: bool = False
) -> Any:
    """What a function makes of matches; ``counts``: it is told how often nothing is found.

    Behind what it has matched, Java lets a pattern match nothing once more: ``.*`` is found twice.
    """
    said = e.constant(pattern)
    if said is None:
        called = rule(e, e.call(name, v, of_no_words(e, pattern), *rest), v, pattern, *rest)
        nothing = matches(e, "", pattern)
        return e.case((nothing, refusal(e, *_NOTHING)), otherwise=called) if counts else called
    made = in_rust(said, truth=False)
    if made.text != said:
        call = e.call(name, v, made.text, *rest)
    call = rule(e, call, v, made.text, *rest)
    if counts:
        call = _found_often(e, call, v, said, made.text)
    if made.ends:
        refused = refusal(e, "A line break at the end of a text", "$ does not match before it")
        call = e.case((matches(e, v, rf"[{made.ends}]\z"), refused), otherwise=call)
    return call


def _found_often(e: Notation, call: Any, v: Any, said: str, made: str) -> Any:
    empty = _matches_nothing(said)
    if empty is None:
        return e.case((matches(e, "", made), refusal(e, *_NOTHING)), otherwise=call)
    if empty and not (_PLACES.fullmatch(said) or _AT_BEGIN.fullmatch(said)):
        raise engine.otherwise(f"{_NOTHING[0]} ({said!r})", _NOTHING[1])
    return by_units(e, call, v) if empty and not said.startswith("^") else call


def _matches_nothing(said: str) -> bool | None:
    """Whether a pattern may match an empty text, and so between any two characters; None when only Sail can tell."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of brackets in brackets
            return bool(re.search(said, ""))
    except re.error:
        return None


def _replaced(e: Notation, call: Any, v: Any, pattern: Any, by: Any, *begin: Any) -> Any:
    """Java takes a digit behind ``$`` for a group, Sail the whole word; a backslash is none of the text to Java."""
    said = e.constant(by)
    if not isinstance(said, str):
        refused = refusal(e, "A replacement with $ or a backslash", "groups are told in another way")
        return e.case((matches(e, by, r"[$\\]"), refused), otherwise=call)
    grouped = _GROUP.sub(r"${\1}", said)
    if "\\" in said or _ODD_GROUP.search(said):
        raise engine.otherwise(f"The replacement {said!r} of regexp_replace", "groups are told in another way")
    return call if grouped == said else e.call("regexp_replace", v, pattern, grouped, *begin)


def _replacing(e: Notation, call: Any, v: Any, pattern: Any, by: Any, *begin: Any) -> Any:
    counts = e.constant(by) != ""
    return _of_pattern(e, call, v, pattern, by, *begin, name="regexp_replace", rule=_replaced, counts=counts)


def _split(e: Notation, call: Any, v: Any, pattern: Any, *limit: Any) -> Any:
    said = e.constant(pattern)
    if said is not None and (_matches_nothing(said) or _PLACES.fullmatch(said)):
        raise engine.otherwise(f"split by a pattern that matches nothing as well ({said!r})", "there are empty texts")
    return _of_pattern(e, call, v, pattern, *limit, name="split", rule=_as_called, counts=True)


def _mapped(e: Notation, call: Any, v: Any, *delimiters: Any) -> Any:
    """``str_to_map``, whose delimiters are patterns."""
    said = [e.constant(one) for one in delimiters]
    pairs = zip(said, delimiters, strict=True)
    told = [of_no_words(e, given) if one is None else in_rust(one, truth=False).text for one, given in pairs]
    return call if told == said else e.call("str_to_map", v, *told)


def _as_called(e: Notation, call: Any, *arguments: Any) -> Any:
    return call


def _found(e: Notation, call: Any, *arguments: Any) -> Any:
    return e.case((e.infix(call, "=", ""), None), otherwise=call)  # nothing, and not an empty text


CALLS: Mapping[str, Rule] = {
    **{name: partial(_matched, name) for name in ("regexp", "regexp_like", "rlike")},
    "regexp_count": partial(_of_pattern, name="regexp_count", rule=whole, counts=True),
    "regexp_extract": partial(_of_pattern, name="regexp_extract", rule=_as_called),
    "regexp_extract_all": partial(_of_pattern, name="regexp_extract_all", rule=_as_called, counts=True),
    "regexp_instr": partial(_of_pattern, name="regexp_instr", rule=_as_called),
    "regexp_replace": _replacing,
    "regexp_substr": partial(_of_pattern, name="regexp_substr", rule=_found),
    "split": _split,
    "str_to_map": _mapped,
}
