"""``get_json_object`` and ``json_tuple`` on Sail, by Python: Sail's own cut an object or a list out of the text as it
stands, where Spark writes it anew; they take broken JSON, and not all that Spark takes.

Spark reads by Jackson, control characters and a name that stands twice included, up to the end of the outermost object
or list, and writes by it: doubles as Java writes them, characters beyond the first 65,536 as escapes. (Spark SQL Guide,
"Functions"; RFC 8259.)

Sail holds no two calls of a Python function for the same: where SQL has one twice, as in SELECT and GROUP BY, it is
Sail's own for documents on which both agree (:func:`of_plain_json`).
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from lakelet.etl.jackson import written
from lakelet.etl.sail import engine
from lakelet.etl.sail.notations import Notation
from lakelet.etl.sail.values import java, matches, refusal

_VALUE, _MEMBERS = "lakelet_json_value", "lakelet_json_members"
_SPACE = " \t\r\n"
_NOTHING = object()
_DIGITS, _LONGEST_NAME = 1000, 50_000  # that Jackson takes
_LONG_NAME = re.compile(rf'"[^"]{{{_LONGEST_NAME}}}[^"]*"\s*:')
_STEP = re.compile(r"\.([^.\[]+)|\[([0-9]{1,9})\]|\['([^']+)'\]")
_ODD_PATH = re.compile(r"[*?]|(?:^|[.\[\]'$])\s|\s(?:$|[.\[\]'$])|[0-9]{10}")  # blanks are left out at some places
# Lists and objects that both write alike: without blanks, escapes, doubles and characters that become escapes.
_COMPACT = r'^(?:[\[\]{},:]|"[^"\\\x00-\x1f\x{10000}-\x{10FFFF}]*"|true|false|null|-?[1-9][0-9]*|0)*$'


def register(session: Any) -> None:
    """Give a session the functions by their names, which are those that the rules call."""
    from pyspark.sql import types as T

    for name, function in ((_VALUE, JsonValue()), (_MEMBERS, JsonMembers())):
        session.udf.register(name, function, T.StringType())


def of_json(e: Notation, call: Any, v: Any, path: Any) -> Any:
    """``get_json_object`` by Python."""
    if "*" in str(e.constant(path)):
        raise engine.otherwise(f"get_json_object by the path {e.constant(path)}", "it finds nothing by *")
    return e.call(_VALUE, v, path)


def of_plain_json(e: Notation, call: Any, v: Any, path: Any) -> Any:
    """``get_json_object`` as Sail has it, where its value is Spark's: a number is written as Java writes it."""
    said = str(e.constant(path))
    if e.constant(path) is None:
        raise engine.otherwise("get_json_object twice by a path that is no literal", "it finds nothing that is nested")
    if "*" in said or _steps(said) is None:
        raise engine.otherwise(f"get_json_object by the path {said}", "it finds something else, or nothing")
    shown = java(e, e.cast(e.cast(call, "double", "TRY_CAST"), "string"))
    number = matches(e, call, r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$")
    odd = e.infix(e.infix(number, "and", matches(e, call, r"[.eE]")), "and", e.infix(shown, "<>", call))
    text = e.call("contains", v, e.call("concat", '"', call, '"'))
    nested = e.infix(matches(e, call, r"^\s*[\[{]"), "and", e.call("not", matches(e, call, _COMPACT)))
    null = e.infix(e.call("isnull", call), "and", e.call("contains", v, "null"))
    why = "it is written as it stands in the text, or is taken although it is broken"
    refused = refusal(e, "Such JSON in get_json_object, called twice", why)
    nulls = ((null, refused),) if said.endswith("]") else ()
    return e.case(
        (e.call("isnull", v), None),
        (e.call("isnull", e.call("try_parse_json", v)), refused),
        *nulls,
        (nested, refused),
        (e.infix(call, "=", "-0"), refused),
        (e.infix(odd, "and", e.infix(text, "or", matches(e, shown, r"Infinity|E-3\d\d$"))), refused),
        (odd, shown),
        otherwise=call,
    )


def members(e: Notation, v: Any) -> Any:
    """What ``json_tuple`` takes apart: an object of the members as texts."""
    return e.call(_MEMBERS, v)


class JsonValue:
    """What the Python workers run: what a path finds in a text."""

    __name__ = _VALUE
    _lakelet_exact = True  # its values are of its type (etl.sail.udf_results)

    def __call__(self, text: str | None, path: str | None) -> str | None:
        steps = None if text is None or path is None else _steps(path)
        if text is None or steps is None:
            return None
        try:
            found = _found(_read(text), steps)
            return None if found is _NOTHING else _told(found)
        except ValueError:
            return None
        except RecursionError:
            raise _refused("nested so deep") from None


class JsonMembers:
    """What the Python workers run: an object's members as texts, each once and without nulls, as JSON."""

    __name__ = _MEMBERS
    _lakelet_exact = True

    def __call__(self, text: str | None) -> str | None:
        try:
            value = _NOTHING if text is None else _read(text)
            if not isinstance(value, _Members):
                return None
            told = {_told(name): _told(one) for name, one in value if one is not None}
        except ValueError:
            return None
        except RecursionError:
            raise _refused("nested so deep") from None
        return json.dumps(told, ensure_ascii=False)


class _Members(tuple[tuple[str, Any], ...]):
    """An object: names and values, repeats included (:func:`lakelet.etl.jackson.written` takes it for one)."""

    __slots__ = ()


def _told(value: Any) -> str:
    """A value as the functions give it: a text is without quotes."""
    if not isinstance(value, str):
        return written(value)
    if not value.isascii() and any("\ud800" <= one <= "\udfff" for one in value):
        raise _refused("with half of a surrogate pair")
    return value


@cache
def _steps(path: str) -> tuple[str | int, ...] | None:
    """The names and places of a path; None for what is none."""
    if _ODD_PATH.search(path):
        raise engine.refused(f"get_json_object by the path {path!r}")
    steps: list[str | int] = []
    at = 1
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return None
        steps.append(int(step[2]) if step[2] else step[1] or step[3])
        at = step.end()
    return tuple(steps) if path.startswith("$") else None


def _found(value: Any, steps: tuple[str | int, ...]) -> Any:
    """The value at a path: of a name that stands twice the first that leads there, and is not null."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        return _found(value[step], rest) if isinstance(value, list) and step < len(value) else _NOTHING
    for name, one in value if isinstance(value, _Members) else ():
        if name == step and one is not None and (found := _found(one, rest)) is not _NOTHING:
            return found
    return _NOTHING


def _read(text: str) -> Any:
    """The JSON that a text begins with. Raises ValueError, if it is broken."""
    text = text.lstrip(_SPACE)
    if text.startswith("\ufeff"):
        raise _refused("behind the mark of its bytes' order")
    if len(text) > _LONGEST_NAME and _LONG_NAME.search(text):
        raise _refused("with names so long")
    try:
        value, end = _DECODER.raw_decode(text)
    except ValueError:
        if "'" not in text:
            raise
        from lakelet.etl.json_text import in_double_quotes  # with pyspark, which the control process needs not

        text = in_double_quotes(text)
        value, end = _DECODER.raw_decode(text)
    if not isinstance(value, list | _Members) and text[end:].strip(_SPACE):
        raise _refused("with more behind a single value")
    return value


def _number(kind: type[int] | type[float]) -> Any:
    def read(digits: str) -> int | float:
        if len(digits) > _DIGITS:
            raise _refused("with numbers so long")
        return kind(digits)

    return read


def _no_json(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _refused(what: str) -> Exception:
    return engine.refused(f"JSON {what}, in get_json_object and json_tuple,")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Members,
    parse_float=_number(float),
    parse_int=_number(int),
    parse_constant=_no_json,
    strict=False,
)
