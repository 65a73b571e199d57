"""The metastore's partition filters (``get_partitions_by_filter``), said in the grammar of GetPartitions.

Hive's grammar (Apache Hive, Filter.g) has ``=``, ``!=``, ``<>``, ``<``, ``<=``, ``>``, ``>=``, ``LIKE``, ``IN``,
``BETWEEN``, ``AND``, ``OR``, ``NOT`` and parentheses over partition keys; its words are read here one by one, and what
they mean together is decided by :mod:`lakelet.catalog.expressions`, which refuses everything else. Three things differ:

- a text stands between either kind of quotes, with nothing escaped (Spark's HiveShim writes no escapes);
- ``LIKE`` takes ``.*`` for any text, where SQL has ``%``;
- dates may stand without quotes: ``dt >= 2024-01-01``.
"""

from __future__ import annotations

import re

from lakelet.workspace.errors import InvalidInputException

_WORDS = frozenset({"and", "or", "not", "in", "like", "between", "is", "null"})
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>"[^"]*"|'[^']*')
      | (?P<date>\d{4}-\d{2}-\d{2}(?![\w-]))
      | (?P<number>-?\d+(?:\.\d+)?(?!\w))
      | (?P<sign><=|>=|!=|<>|[=<>(),])
      | (?P<word>[^\W\d]\w*|`[^`"]+`)
    )""",
    re.VERBOSE,
)
_TYPED = ("date", "timestamp")  # DATE '2024-01-01'


def expression(text: str) -> str:
    """A filter of the metastore's as an Expression of GetPartitions.

    Raises :class:`~lakelet.workspace.errors.InvalidInputException` for what is no filter.
    """
    words: list[str] = []
    at, text = 0, text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise InvalidInputException(f"The partition filter {text!r} cannot be read at character {at + 1}.")
        kind, token = found.lastgroup or "", str(found[found.lastgroup or 0])
        after = text[found.end() :].lstrip()[:1]
        words.append(_said(kind, token, words[-1] if words else "", after))
        at = found.end()
    return " ".join(word for word in words if word)


def _said(kind: str, token: str, before: str, after: str) -> str:
    match kind:
        case "text":
            return _quoted(_pattern(token[1:-1]) if before == "LIKE" else token[1:-1])
        case "date":
            return _quoted(token)
        case "word" if token.lower() in _TYPED and (after in ("'", '"') or after.isdigit()):
            return ""
        case "word" if token.lower() in _WORDS:
            return token.upper()
        case "word":
            return f'"{token.strip("`")}"'
    return token


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _pattern(text: str) -> str:
    """``%`` and ``_`` of the text itself have no escape in GetPartitions: they match more, and Spark looks again."""
    return text.replace(".*", "%")
