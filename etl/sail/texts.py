"""Values that Spark makes texts of without a cast: those that are given to functions of text, or stand among texts.
Of times and doubles Arrow's texts are other ones, and many functions of Sail's take texts alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from lakelet.etl.sail.casts import to_date
from lakelet.etl.sail.notations import Notation, Sql, Texts
from lakelet.etl.sail.values import java_double, of_kind, refusal, written

_EVERY = tuple(range(4))
# The places of the texts among the arguments of a function.
GIVEN: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(
        ("btrim", "contains", "endswith", "find_in_set", "levenshtein", "ltrim", "overlay", "replace", "rtrim",
         "startswith", "trim"),
        _EVERY[:2],
    ),
    **dict.fromkeys(
        ("encode", "ilike", "initcap", "instr", "lcase", "left", "like", "lower", "lpad", "regexp", "regexp_count",
         "regexp_extract", "regexp_extract_all", "regexp_instr", "regexp_like", "regexp_replace", "regexp_substr",
         "repeat", "right", "rlike", "rpad", "split", "split_part", "substr", "substring", "substring_index",
         "string_agg", "listagg", "translate", "ucase", "upper", "url_encode"),
        _EVERY[:1],
    ),
    **dict.fromkeys(("locate", "position"), _EVERY[1:2]),
    "elt": _EVERY[1:],
}  # fmt: skip
# Functions of which bytes stay bytes on Spark.
_OF_BYTES = frozenset(("elt", "left", "lpad", "overlay", "right", "rpad", "substr", "substring"))
# Functions of which all values are texts, if one is: whether times have another text there, too.
AMONG: Mapping[str, bool] = {"array": True, "case": False, "coalesce": False, "ifnull": False, "nvl": False}
CHOSEN = frozenset(("coalesce", "ifnull", "nvl"))  # of which a text at the end tells that it is one
_NUMBERS, _TIMES = "double|float", "timestamp(?:_ntz|_ltz)?"
# Functions whose value is a text, and those with another one that is no time, double or list of such.
TEXTS = frozenset(
    (
        "array_join", "base64", "bin", "btrim", "char", "chr", "concat_ws", "date_format", "dayname",
        "format_string", "from_unixtime", "get_json_object", "hex", "initcap", "lcase", "left", "lower", "lpad",
        "ltrim", "mask", "md5", "monthname", "overlay", "printf", "regexp_extract", "regexp_replace",
        "regexp_substr", "repeat", "replace", "right", "rpad", "rtrim", "sha", "sha1", "sha2", "space",
        "split_part", "substr", "substring", "substring_index", "to_char", "to_csv", "to_json", "translate", "trim",
        "typeof", "ucase", "upper", "url_decode", "url_encode", "uuid",
    )
)  # fmt: skip
_OTHERS = frozenset(
    (
        "add_months", "and", "ascii", "char_length", "character_length", "concat", "contains", "count", "current_date",
        "date_add", "date_diff", "date_sub", "datediff", "day", "dayofmonth", "dayofweek", "dayofyear", "decode",
        "dense_rank", "endswith", "hour", "input_file_name", "instr", "isnotnull", "isnull", "last_day", "length",
        "like", "locate", "minute", "month", "next_day", "not", "or", "quarter", "rank", "reverse", "rlike",
        "row_number", "second", "size", "split", "startswith", "to_date", "trunc", "unix_timestamp", "weekofyear",
        "year", "=", "==", "<", ">", "<=", ">=", "<>", "!=", "<=>",
    )
)  # fmt: skip
_CAST = "cast"  # to such a type
WRITTEN_ALIKE = TEXTS | _OTHERS | {_CAST}
# The places of the dates among the arguments of a function: a text there is one as in a cast.
DATES: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(
        ("add_months", "date_add", "date_sub", "dateadd", "day", "dayofmonth", "dayofweek", "dayofyear", "last_day",
         "month", "next_day", "quarter", "trunc", "weekofyear", "year"),
        _EVERY[:1],
    ),
    **dict.fromkeys(("date_diff", "datediff"), _EVERY[:2]),
}  # fmt: skip
RULED = frozenset((*GIVEN, *AMONG, *DATES)) - {"case"}
# Functions whose value is a date or a time.
ARE_DATES = frozenset(
    (
        "add_months", "current_date", "current_timestamp", "date_add", "date_sub", "date_trunc", "last_day",
        "make_date", "next_day", "now", "to_date", "to_timestamp", "trunc",
    )
)  # fmt: skip
_DATE = re.compile(r"[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])")  # which is there in every month
_WHOLE = re.compile(r"0|-?[1-9]\d{0,17}")
_DAY = re.compile(r"\s*\d{8}\s*")  # which Sail takes for a date
COMPARISONS = frozenset(("=", "==", "<", ">", "<=", ">=", "<>", "!=", "<=>"))
CONDITIONS = COMPARISONS | {
    "and", "contains", "endswith", "ilike", "in", "isnotnull", "isnull", "like", "not", "or", "rlike", "startswith",
}  # fmt: skip
_FEW = 50
_KINDS = re.compile(r"\s*(?:timestamp|double|float|real|binary)", re.IGNORECASE)
_TEXT_KINDS = re.compile(r"\s*(?:string|(?:var)?char\b)", re.IGNORECASE)


def of_bytes(e: Notation, v: Any) -> Any:
    """A value as text; a refusal of bytes."""
    refused = refusal(e, "A part of a binary value", "it is a text")
    return e.case((of_kind(e, v, "binary"), refused), otherwise=written(e, v))


def rule_of(name: str) -> Any:
    """What is made of an argument of a function in :data:`GIVEN`."""
    return of_bytes if name in _OF_BYTES else written


def is_written_alike(kind: str) -> bool:
    """Whether all values of a type, as SQL tells it, have the same text for Arrow."""
    return not _KINDS.match(kind)


def of_cast(kind: str) -> str:
    """What a cast to a type stands for: a type of texts, or a name that is in :data:`WRITTEN_ALIKE` or not."""
    return kind if is_text(kind) or not is_written_alike(kind) else _CAST


def is_time(kind: str) -> bool:
    """Whether a type, as SQL tells it, is one of dates or times."""
    return kind.strip().lower().startswith(("date", "timestamp"))


def is_text(kind: str) -> bool:
    """Whether a type, as SQL tells it, is one of texts."""
    return bool(_TEXT_KINDS.match(kind))


def as_date(e: Notation, v: Any) -> Any:
    """A value of a function of dates."""
    return to_date(e, v, "CAST", "date")


def is_date(text: Any) -> bool:
    """Whether a text is the same date to both."""
    return isinstance(text, str) and bool(_DATE.fullmatch(text))


def is_day(text: Any) -> bool:
    """Whether a text is a date to Sail alone."""
    return isinstance(text, str) and bool(_DAY.fullmatch(text))


def beside_date(e: Notation, text: str, v: Any) -> Any:
    """A literal as a value is compared with it, which may be a date."""
    return e.case((of_kind(e, v, "date"), None), otherwise=text)


def among(e: Notation, call: Any, own: Any, v: Any, said: Sequence[str]) -> Any:
    """Whether a value is one of some texts: to Spark it is a text, too, as in ``own``. Whole numbers and dates that are
    told as Spark writes them are found faster as such."""
    for form, kinds in ((_WHOLE, "tinyint|smallint|int|bigint"), (_DATE, "date")):
        if len(said) < _FEW and all(map(form.fullmatch, said)):
            return e.case((e.call("rlike", e.call("typeof", v), f"^({kinds})$"), call), otherwise=own)
    return own


def as_texts(numbers: Sequence[float | Decimal]) -> list[str]:
    """Numbers of the script as they are written when a text is to be one of them."""
    return [java_double(one) if isinstance(one, float) else str(one) for one in numbers]


def mixed(e: Notation, name: str, values: Sequence[Any]) -> tuple[Any, Any]:
    """A branch for values of which some are texts, and others have another text for Arrow."""
    kinds = e.call("concat_ws", " ", *(e.call("typeof", one) for one in values))
    others = f"{_NUMBERS}|{_TIMES}" if AMONG[name] else _NUMBERS
    told = rf"(^| )(string( .*)? ({others})|({others})( .*)? string)( |$)"
    what = "Times or doubles" if AMONG[name] else "Doubles"
    refused = refusal(e, f"{what} beside texts in {name}", "they are written otherwise; cast them to string first")
    return e.call("rlike", kinds, told), refused


def kind_of(function: str) -> str | None:
    """The type of all values of a function, or the function if it has one; None, if that is not known."""
    if function in TEXTS or function in CONDITIONS:
        return "string" if function in TEXTS else "boolean"
    return function if function in ARE_DATES else None


def _forms() -> re.Pattern[str]:
    def form(rule: Any) -> str:
        begin, rest = re.escape(_REFUSALS.sub("", str(rule(Texts(), Sql("\0"))))).split("\0", 1)
        return f"{begin}(?P<{rule.__name__}>.{{1,600}}?)" + rest.replace("\0", f"(?P={rule.__name__})")

    return re.compile("|".join(map(form, (of_bytes, written))), re.DOTALL)


_REFUSALS = re.compile(r"raise_error\('[^']*'\)")
_FORMS = _forms()


def size(sql: str) -> int:
    """The length of SQL, in which a value as text counts as the value, and refusals for little."""
    if "translate(CAST(array(" not in sql:
        return len(sql)
    return max(len(_FORMS.sub("value", _REFUSALS.sub("", sql))), len(sql) // 5)
