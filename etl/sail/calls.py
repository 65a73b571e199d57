"""Whole calls that Sail answers otherwise than Spark, for some of their arguments: what is called in their place
(:mod:`lakelet.etl.sail.rules`). All of it is held against Spark by tests/stack/test_engines_compared.py.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from lakelet.etl.sail import arrays, engine, json_paths, mixed, regexps, rounding, rules, time_texts
from lakelet.etl.sail.casts import require_no_word, to_long
from lakelet.etl.sail.notations import Notation
from lakelet.etl.sail.values import (
    floating,
    is_nan,
    is_negative_zero,
    joined,
    matches,
    of_decimals,
    of_kind,
    refusal,
    whole,
    written,
)

_LAST_SUMMER = 2099  # that Sail's table of zones has
_TWO_CAPITALS = r"[ǆǉǌǳ\x{307}\x{10D0}-\x{10FF}]"  # letters that begin a word with another one than their capital
_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d\d))?")
_NO_SUMMER = re.compile(r"UTC|GMT|Z|[+-]\d.*")
_DOUBLES_IN_JSON = r"NaN|inf|\d[eE][+-]?\d|\d{8,}\.\d|\b0\.000"
_LEADING_ZEROS = re.compile(r"[SL$MI]*0")
_CONVERSION = re.compile(r"%[-#+ 0,(<$]*([\d.]*)([a-zA-Z%])")  # java.util.Formatter


def _substring(e: Notation, call: Any, v: Any, start: Any = None, length: Any = None) -> Any:
    """Characters before the first count, where the start is counted from the end; less than no length is none."""
    missing = [(e.call("isnull", one), None) for one in (start, length) if one is not None and e.constant(one) is None]
    branches = [*missing]
    if length is None:
        return e.case(*branches, otherwise=call) if branches else call
    if e.constant(length) is None:
        length = e.call("greatest", length, 0)
        call = e.call("substr", v, start, length)
    if not isinstance(e.constant(start), int) or e.constant(start) < 0:
        first = e.infix(e.call("length", v), "+", start)
        end, before = e.infix(first, "+", length), e.infix(first, "<", 0)
        part = e.call("left", v, e.call("greatest", end, 0))
        branches.append((e.infix(e.infix(start, "<", 0), "and", before), part))
    return e.case(*branches, otherwise=call) if branches else call


def _to_json(e: Notation, call: Any, v: Any, *options: Any) -> Any:
    kind, shown = e.call("typeof", v), e.cast(v, "string")

    def has(types: str, text: str) -> Any:
        """Whether a type is in that of the value, not as a name, and such a text in what it shows."""
        return e.infix(matches(e, kind, f"(?:{types})(?:[,>(]|$)"), "and", matches(e, shown, text))

    odd = (
        has("decimal|timestamp(?:_ntz)?|float", ""),
        has("double", _DOUBLES_IN_JSON),
        has("date", r"[+]\d{5,6}-\d\d-\d\d"),
    )
    maps = e.infix(matches(e, kind, "map<"), "and", e.call("contains", shown, "NULL"))
    keys = matches(e, kind, "map<(?:date|binary|array|struct)")
    why = "decimals, times, floats, large and small doubles, nulls in maps, keys of maps, years after 9999"
    refused = refusal(e, "to_json of such a value", why)
    return e.case(*((one, refused) for one in (*odd, maps, keys)), otherwise=call)


def _decoded(e: Notation, call: Any, v: Any, *rest: Any) -> Any:
    """Bytes by a charset; of more arguments the one behind that which is equal."""
    if len(rest) < 2:
        return call
    pairs = list(zip(rest[::2], rest[1::2], strict=False))
    otherwise = rest[-1] if len(rest) % 2 else None
    return e.case(*((e.infix(v, "<=>", one), said) for one, said in pairs), otherwise=otherwise)


def _negative(e: Notation, call: Any, v: Any) -> Any:
    return e.case((is_nan(e, v), v), otherwise=e.call("negative", rules.negated(e, v)))


def _masked(e: Notation, call: Any, v: Any, *by: Any) -> Any:
    """By four characters, the last of which is for all but letters and digits."""
    if len(by) > 3 or any("=>" in str(one) for one in by):
        return regexps.by_units(e, call, v)
    refused = refusal(e, "A letter beyond the first 65,536 characters", "Spark has two halves of it, which are none")
    return e.case((matches(e, v, r"[\x{10000}-\x{10FFFF}&&[\p{Lu}\p{Ll}\p{Nd}]]"), refused), otherwise=call)


def _character(e: Notation, call: Any, v: Any) -> Any:
    """Of the last eight bits of a number; of none below 0."""
    low = e.call("chr", e.infix(v, "%", 256))
    return e.case((e.infix(v, "<", 0), ""), (e.infix(v, ">", 255), low), otherwise=call)


def _encoded(e: Notation, call: Any, v: Any, charset: Any) -> Any:
    """Of no text there are no bytes that tell their order; a character that has none fails on Spark."""
    said = str(e.constant(charset)).upper()
    if said == "UTF-16":
        return e.case((e.infix(v, "=", ""), e.cast("", "binary")), otherwise=call)
    beyond = {"US-ASCII": r"[^\x00-\x7F]", "ISO-8859-1": r"[^\x00-\xFF]"}.get(said)
    if beyond is None:
        return call
    return e.case((matches(e, v, beyond), refusal(e, f"A character beyond {said}", "it is ?")), otherwise=call)


def _variant(e: Notation, call: Any, v: Any) -> Any:
    refused = refusal(e, "A number with a point in a VARIANT", "it is a double and no decimal")
    return e.case((matches(e, v, r"\d[.eE]"), refused), otherwise=call)


def _in_a_zone(e: Notation, call: Any, v: Any, zone: Any, *, sign: str) -> Any:
    if found := _OFFSET.fullmatch(str(e.constant(zone))):
        away = e.call("make_dt_interval", 0, int(found[2]), int(found[3] or 0))
        return e.infix(e.cast(v, "timestamp", "TRY_CAST"), "+" if found[1] == sign else "-", away)
    if _NO_SUMMER.fullmatch(str(e.constant(zone))):
        return call
    late = e.infix(e.call("year", e.cast(v, "timestamp", "TRY_CAST")), ">", _LAST_SUMMER)
    return e.case((late, refusal(e, "A zone's time after 2099", "there is no summer time")), otherwise=call)


def _of_time(e: Notation, call: Any, v: Any, *, name: str) -> Any:
    """A part of a time; a text is one as in a cast."""
    require_no_word(e.constant(v))
    return e.call(name, e.cast(v, "timestamp", "TRY_CAST"))


def _seconds(e: Notation, call: Any, v: Any) -> Any:
    fractions = matches(e, e.call("typeof", v), "double|float|decimal")
    return e.case((fractions, refusal(e, "timestamp_seconds of fractions", "they are left out")), otherwise=call)


def _angle(e: Notation, call: Any, *lengths: Any) -> Any:
    """Of zeros without a sign."""
    return e.call("atan2", *(e.infix(e.cast(one, "double"), "+", 0.0) for one in lengths))


def _first_there_is(e: Notation, call: Any, v: Any, w: Any) -> Any:
    return mixed.first_there_is(e, e.call("coalesce", v, w), v, w)  # Sail's own has another type


def _length(e: Notation, call: Any, v: Any) -> Any:
    """Of a large double Sail counts digits that it has not."""
    return e.case((floating(e, v), e.call("length", written(e, v))), otherwise=call)


def _with_capitals(e: Notation, call: Any, v: Any) -> Any:
    """What is between blanks is a word; Sail begins one behind every sign."""

    def word(told: Any) -> Any:
        first = e.call("substr", told, 1, 1)
        capital = e.call("upper", first)
        odd = e.infix(matches(e, first, _TWO_CAPITALS), "or", matches(e, capital, ".."))
        refused = refusal(e, "A letter that is not its own capital in initcap", "only its first part is one")
        return e.case((odd, refused), otherwise=e.call("concat", capital, e.call("substr", told, 2)))

    return e.call("array_join", e.each(e.call("split", e.call("lower", v), " "), word), " ")


def _in_lines(e: Notation, call: Any, v: Any) -> Any:
    """Lines of 76 characters (RFC 2045, 6.8), between which there are line breaks."""
    return e.call("regexp_replace", e.call("regexp_replace", call, "(.{76})", "$1\r\n"), "\r\n$", "")


def _left(e: Notation, call: Any, v: Any, length: Any) -> Any:
    """Less than no characters are none; Sail counts them from the other end."""
    if is_named_once(e, "left", length):
        return _text(e, call)
    return e.case((e.infix(length, "<", 1), e.call("substr", v, 1, 0)), otherwise=_text(e, call))


def _locate(e: Notation, call: Any, sought: Any, v: Any, start: Any = None) -> Any:
    """From a place on: that of none is 0, and nothing is found at the first."""
    if start is None:
        return call
    missing = e.infix(e.call("isnull", sought), "or", e.call("isnull", v))
    return e.case(
        (e.call("isnull", start), 0),
        (missing, None),
        (e.infix(start, "<", 1), 0),
        (e.infix(sought, "=", ""), 1),
        otherwise=call,
    )


def _formatted(e: Notation, call: Any, form: Any, *values: Any) -> Any:
    """By %s numbers and truth as text; by others whole numbers and texts."""
    said = e.constant(form)
    wanted = _CONVERSION.findall(said) if isinstance(said, str) else []
    simple = bool(wanted) and all(one in ("s", "%") for _, one in wanted)
    width = any(digits and one == "s" for digits, one in wanted) or not wanted
    return e.call("format_string", form, *(_told(e, one, simple=simple, width=width) for one in values))


def _told(e: Notation, v: Any, *, simple: bool, width: bool) -> Any:
    shown, kind = e.cast(v, "string"), e.call("typeof", v)
    wide = e.infix(of_kind(e, v, "string"), "and", matches(e, shown, r"[^\x00-\x7f]")) if width else False
    counted = refusal(e, "A text that is no ASCII by a width", "its bytes are counted")
    taken = f"^(string|tinyint|smallint|int|bigint{'|boolean|decimal.*|double|float' if simple else ''})$"
    refused = refusal(e, "Such a value in format_string", "it is written otherwise; cast it to string first")
    otherwise = e.cast(joined(e, v), "string") if simple else v
    fine = e.infix(of_decimals(e, v), "and", matches(e, shown, r"^-?0\.0{6}"))  # which have an exponent
    odd = e.infix(e.call("not", matches(e, kind, taken)), "or", fine)
    return e.case((wide, counted), (odd, refused), otherwise=otherwise)


def _to_csv(e: Notation, call: Any, v: Any, *options: Any) -> Any:
    odd = matches(e, e.call("typeof", v), "double|float|decimal|timestamp")
    refused = refusal(e, "to_csv of doubles, decimals and times", "they are written otherwise")
    return e.case((odd, refused), otherwise=call)


def _to_binary(e: Notation, call: Any, v: Any, form: Any = None) -> Any:
    if str(e.constant(form)).lower() not in ("utf-8", "utf8"):
        raise engine.otherwise("to_binary of hexadecimal digits or base64", "what is none is null")
    return call


def _power(e: Notation, call: Any, v: Any, w: Any) -> Any:
    """Of zero by a number below it one is infinite."""
    below = e.infix(e.infix(v, "=", 0), "and", e.infix(w, "<", 0))
    signed = e.infix(below, "and", is_negative_zero(e, v))
    refused = refusal(e, "A power of -0.0", "it has a sign by odd numbers")
    return e.case((signed, refused), (below, e.cast("Infinity", "double")), otherwise=_without_sign(e, call))


def _to_number(e: Notation, call: Any, v: Any, form: Any) -> Any:
    if _LEADING_ZEROS.match(str(e.constant(form))):
        raise engine.otherwise("A number by a form that begins with 0", "it has as many digits")
    return call


def _estimated(e: Notation, call: Any, v: Any, error: Any = None) -> Any:
    """How many values there are, about: Sail takes no accuracy, and not all types. Spark counts hashes as well."""
    hashed = e.call("xxhash64", v)
    signed = refusal(e, "A zero with a sign in approx_count_distinct", "it is another than zero")
    told = ((False, hashed), (e.call("isnull", v), None), (is_nan(e, v), 0), (is_negative_zero(e, v), signed))
    return e.call("approx_count_distinct", e.case(*told, otherwise=hashed))


def _log(e: Notation, call: Any, v: Any, of: Any = None) -> Any:
    if of is None:
        return e.call("ln", v)
    base = e.constant(v)
    if isinstance(base, int | float) and base > 0:
        return call
    return e.case((e.infix(v, "<", 1e-300), None), otherwise=call)


def _log1p(e: Notation, call: Any, v: Any) -> Any:
    """Of a small number its logarithm keeps its digits by W. Kahan's correction of what was lost by adding 1."""
    number = e.cast(v, "double")
    added = e.infix(number, "+", 1.0)
    corrected = e.infix(e.infix(e.call("ln", added), "*", number), "/", e.infix(added, "-", 1.0))
    small = e.infix(e.call("abs", number), "<", 0.1)
    return e.case((e.infix(added, "=", 1.0), number), (small, corrected), otherwise=e.call("log1p", number))


def _pmod(e: Notation, call: Any, v: Any, w: Any) -> Any:
    decimal = e.infix(of_decimals(e, v), "or", of_decimals(e, w))
    rest = e.cast(e.infix(v, "%", w), "string")
    below = e.infix(floating(e, call), "and", e.infix(rest, "=", "-0.0"))  # zero has the sign of what is divided
    return e.case(
        (decimal, refusal(e, "pmod of decimals", "it has more digits")),
        (below, e.call("negative", call)),
        otherwise=call,
    )


def _width_bucket(e: Notation, call: Any, v: Any, *bounds: Any) -> Any:
    refused = refusal(e, "width_bucket of infinity", "it has no bucket")
    return e.case((e.infix(e.call("abs", v), "=", e.cast("Infinity", "double")), refused), otherwise=call)


@cache  # asked for each call that is made
def takes(rule: Callable[..., Any], arguments: int) -> bool:
    """Whether a rule is for a call with so many arguments; another one is none of Spark's."""
    try:
        inspect.signature(rule).bind(None, None, *range(arguments))
    except TypeError:
        return False
    return True


def _without_sign(e: Notation, call: Any, *arguments: Any) -> Any:
    """A double; NaN that was computed has a sign, and is smaller than all."""
    return e.call("nanvl", call, e.cast("NaN", "double"))


def _text(e: Notation, call: Any, *arguments: Any) -> Any:
    """A text as all others are for Sail, whose ``split``, ``regexp_extract``, ``hash`` and lists take no other."""
    return e.cast(call, "string")


def is_named_once(e: Notation, name: str, *rest: Any) -> bool:
    """Whether the rule of a call names the first argument but once, by what comes behind it."""
    said = e.constant(rest[0]) if rest else None
    return name in _NAMED_ONCE or (name in ("left", "right") and isinstance(said, int) and said >= 0)


_NAMED_ONCE = frozenset(("base64", "get_json_object", "initcap", "md5", "substring_index"))
# Whole calls, with their arguments.
CALLS: Mapping[str, Callable[..., Any]] = {
    **regexps.CALLS,
    **dict.fromkeys(("acosh", "atanh", "cos", "cot", "csc", "sec", "sin", "sqrt", "tan"), _without_sign),
    "approx_count_distinct": _estimated,
    "array_contains": arrays.contains,
    "array_except": partial(arrays.of_literals, name="array_except"),
    "array_join": arrays.joined_by,
    "array_max": partial(arrays.extreme, largest=True),
    "array_min": partial(arrays.extreme, largest=False),
    "array_sort": arrays.nested_in_order,
    "array_union": partial(arrays.of_literals, name="array_union"),
    "arrays_overlap": arrays.overlap,
    "atan2": _angle,
    "base64": _in_lines,
    "bitmap_bit_position": lambda e, call, v: e.cast(call, "bigint"),
    "bitmap_bucket_number": lambda e, call, v: e.cast(call, "bigint"),
    **{name: partial(_of_time, name=name) for name in ("hour", "minute", "second")},
    **dict.fromkeys(("char_length", "character_length", "len", "length"), _length),
    "bround": rounding.rounded_to_even,
    "ceil": rounding.to_whole,
    "ceiling": rounding.to_whole,
    "char": _character,
    "chr": _character,
    "coalesce": mixed.first_there_is,
    "date_diff": whole,
    "date_format": time_texts.date_written,
    "date_trunc": time_texts.begin,
    "datediff": whole,
    "decode": _decoded,
    "encode": _encoded,
    "floor": rounding.to_whole,
    "from_unixtime": time_texts.written,
    "from_utc_timestamp": partial(_in_a_zone, sign="+"),
    "format_string": _formatted,
    "element_at": lambda e, call, v, at: e.call("try_element_at", v, at),  # beyond the end there is none
    "get": arrays.element,
    "get_json_object": json_paths.of_json,
    "ifnull": _first_there_is,
    "isnan": lambda e, call, v: e.call("coalesce", call, False),
    "initcap": _with_capitals,
    "left": _left,
    "locate": _locate,
    "log": _log,
    "log1p": _log1p,
    "make_date": time_texts.date_of,
    "mask": _masked,
    "md5": _text,
    "negative": _negative,
    "nullif": lambda e, call, v, w: e.case((e.infix(v, "=", w), None), otherwise=v),
    "nvl": _first_there_is,
    "parse_json": _variant,
    "pmod": _pmod,
    "pow": _power,
    "power": _power,
    "position": _locate,
    "printf": _formatted,
    "regr_count": lambda e, call, v, w: e.cast(call, "bigint"),
    "right": _left,
    "round": rounding.rounded,
    "sign": rounding.sign,
    "signum": rounding.sign,
    "slice": arrays.part,
    "substr": _substring,
    "substring": _substring,
    "substring_index": _text,
    "timestamp_seconds": _seconds,
    "to_binary": _to_binary,
    "to_csv": _to_csv,
    "to_date": time_texts.to_date,
    "to_json": _to_json,
    "to_number": _to_number,
    "to_timestamp": time_texts.to_timestamp,
    "to_timestamp_ltz": partial(time_texts.of_no_number, name="to_timestamp_ltz"),
    "to_timestamp_ntz": partial(time_texts.of_no_number, name="to_timestamp_ntz", target="timestamp_ntz"),
    "to_utc_timestamp": partial(_in_a_zone, sign="-"),
    "try_parse_json": _variant,
    "to_unix_timestamp": time_texts.to_seconds,
    "try_to_date": time_texts.to_date,
    "try_to_binary": _to_binary,
    "try_to_number": _to_number,
    "trunc": time_texts.begin_of_date,
    "try_to_timestamp": partial(time_texts.of_no_number, name="try_to_timestamp"),
    "unix_timestamp": time_texts.to_seconds,
    "unix_seconds": lambda e, call, v: to_long(e, v, "CAST", "bigint"),
    "uuid": lambda e, call, v: e.call("uuid"),  # by a seed, which Sail has not
    "width_bucket": _width_bucket,
}
