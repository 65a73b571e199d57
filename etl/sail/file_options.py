"""The options of ``spark.read`` and ``df.write`` on Sail. It passes over those that it has not, without a word: a date
comes in another form, a value that was to be null is none. So what would have an effect on Spark is refused, unless it
asks for what Sail does anyway; options that Spark does not know either are nobody's business.

Source: Spark SQL Guide, "CSV Files", "JSON Files", "Text Files", "Parquet Files", Data Source Option.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakelet.etl.sail import engine

FORMATS = ("parquet", "csv", "json", "text")
_UTF8 = ("utf-8", "utf8")
_TIMES = {"dateformat": ("yyyy-mm-dd",), "timestampformat": (), "timestampntzformat": (), "timezone": ("utc",)}
# By format, the options whose other values are refused; names are in lower case, and words that may have any case.
_READ: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "csv": {
        **_TIMES,
        "multiline": ("true", "false"), "encoding": _UTF8, "charset": _UTF8, "escape": ('"', "\\"), "emptyvalue": ("",),
        "ignoreleadingwhitespace": ("false",), "ignoretrailingwhitespace": ("false",),
        "chartoescapequoteescaping": (), "linesep": (), "locale": ("en-us",), "samplingratio": ("1", "1.0"),
        "enforceschema": ("true",), "unescapedquotehandling": (), "positiveinf": ("Inf",), "negativeinf": ("-Inf",),
        "nanvalue": ("nan",), "preferdate": ("true",), "enabledatetimeparsingfallback": (),
        "columnnameofcorruptrecord": (), "mode": ("permissive", "failfast"), "extension": (),
        "singlevariantcolumn": (),
    },
    "json": {
        **_TIMES,
        "encoding": _UTF8, "charset": _UTF8, "multiline": ("false",), "linesep": ("\n",), "locale": ("en-us",),
        "samplingratio": ("1", "1.0"), "primitivesasstring": ("false",), "prefersdecimal": ("false",),
        "allowcomments": ("false",), "allowunquotedfieldnames": ("false",), "allownumericleadingzeros": ("false",),
        "allowbackslashescapinganycharacter": ("false",), "allowunquotedcontrolchars": ("false",),
        "dropfieldifallnull": ("false",), "infertimestamp": ("false",), "enabledatetimeparsingfallback": (),
        "columnnameofcorruptrecord": (), "mode": ("permissive", "failfast"), "wholetext": ("false",),
        "singlevariantcolumn": (), "maxnestingdepth": (), "maxstringlen": (), "maxnumlen": (),
    },
    "text": {"encoding": _UTF8, "charset": _UTF8},
    "parquet": {"datetimerebasemode": ("corrected", "exception"), "int96rebasemode": ("corrected", "exception")},
}  # fmt: skip
_EVERYWHERE = {
    "basepath": (), "pathglobfilter": (), "modifiedbefore": (), "modifiedafter": (), "ignoremissingfiles": ("false",),
    "ignorecorruptfiles": ("false",),
}  # fmt: skip
_WRITE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "csv": {"encoding": _UTF8, "charset": _UTF8, "timezone": ("utc",), "locale": ("en-us",), "linesep": ("\n",)},
    "json": {
        "encoding": _UTF8, "charset": _UTF8, "timezone": ("utc",), "locale": ("en-us",), "linesep": ("\n",),
        "pretty": ("false",), "writenonasciicharacterascodepoint": ("false",),
    },
    "text": {"encoding": _UTF8, "charset": _UTF8},
}  # fmt: skip
_UNKNOWN = {"json": "codec", "text": "codec"}  # to Spark's writer, which Sail's would heed


def lowered(options: Mapping[str, Any]) -> dict[str, str]:
    """Options of Spark's, whose names and words may have any case, all in lower case."""
    return {name.lower(): str(value).lower() for name, value in options.items()}


def take_reading(format: str, options: dict[str, str]) -> None:
    """Make the options of a read what Sail is to be told of them. Raises UnsupportedError for one that it has not."""
    _by_one_name(options)
    _require(format, options, {**_EVERYWHERE, **_READ.get(format, {})}, "read")
    for name in [one for one in options if one.lower() in ("compression", "codec")]:
        del options[name]  # Spark goes by the objects' names, as Sail does without it
    if format == "csv":
        _take_characters(options)


def take_writing(format: str, options: dict[str, str]) -> None:
    """Make the options of a write what Sail is to be told of them. Raises UnsupportedError for one that it has not."""
    _by_one_name(options)
    _require(format, options, _WRITE.get(format, {}), "write")
    for name in [one for one in options if one.lower() == _UNKNOWN.get(format)]:
        del options[name]
    told = lowered(options)
    if format == "parquet" and "parquet.compression" in told and "compression" not in told:
        options["compression"] = told["parquet.compression"]  # Parquet's own name for it, which Sail passes over
    if format == "text" and len(lowered(options).get("linesep", "\n")) != 1:
        raise engine.refused("The option lineSep of several characters of df.write.text")
    if int(lowered(options).get("maxrecordsperfile", "0") or 0) > 0:
        raise engine.refused("The option maxRecordsPerFile of df.write")


def is_refused(verb: str, format: str, name: str, value: str | None) -> bool:
    """Whether a script that reads or writes (``read``, ``write``) with this option is refused on Sail. ``format`` may
    be empty, and ``value`` None, where nobody knows them: then by all formats, and whatever the value is."""
    told, known = (_READ, _EVERYWHERE) if verb == "read" else (_WRITE, {"maxrecordsperfile": ("0",)})
    tables = [told.get(format, {})] if format else list(told.values())
    accepted = [table[name.lower()] for table in (*tables, known) if name.lower() in table]
    return bool(accepted) and all(not one if value is None else not _is_among(value, one) for one in accepted)


def _by_one_name(options: dict[str, str]) -> None:
    """Of names that differ by case alone the last one given counts, as in Spark."""
    last = {name.lower(): name for name in options}
    for name in [one for one in options if last[one.lower()] != one]:
        del options[name]


def _require(format: str, options: Mapping[str, str], known: Mapping[str, tuple[str, ...]], verb: str) -> None:
    for name, value in options.items():
        accepted = known.get(name.lower())
        if accepted is not None and not _is_among(str(value), accepted):
            where = "spark.read" if verb == "read" else "df.write"
            raise engine.refused(f"The option {name} ({value!r}) of {where}.{format}")


def _is_among(value: str, accepted: tuple[str, ...]) -> bool:
    return value in accepted or value.lower() in accepted


def _take_characters(options: dict[str, str]) -> None:
    """CSV's signs: Spark knows some of them by two characters, and separators of several."""
    for name in list(options):
        if name.lower() in ("sep", "delimiter"):
            options[name] = separator(options[name], "spark.read")
        elif name.lower() == "quote" and len(str(options[name])) != 1:
            raise engine.refused(f"The option quote ({options[name]}) of spark.read.csv")


def separator(given: str, where: str) -> str:
    """One character, which Spark may have by two (``\\t``). Raises UnsupportedError for several."""
    one = {"\\t": "\t", "\\\\": "\\", "\\|": "|", "\\u0001": "\u0001", "\\u0000": "\u0000"}.get(given, given)
    if len(one) != 1 or not one.isascii():
        raise engine.refused(f"The separator {given!r} of {where}.csv")
    return one
