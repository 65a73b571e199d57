"""Patterns over names, as GetTables takes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lakelet.workspace.errors import InvalidInputException

_STAR = re.compile(r"(?<![.\])}*+?\\])\*")


def matching(pattern: str, names: Sequence[str]) -> list[str]:
    """The names that match a GetTables Expression: a regular expression over the whole name, in either case.

    As in Hive's patterns, and as AWS's clients send them, a ``*`` that does not repeat a ``.``, a class or a group
    stands for any characters (``flights*``). RE2 matches, in time linear in the name, whatever the pattern. Raises
    :class:`~lakelet.workspace.errors.InvalidInputException` for a pattern that it cannot read.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = f"^(?:{_STAR.sub('.*', pattern)})$"
    try:
        hits = pc.match_substring_regex(pa.array(names, pa.string()), whole, ignore_case=True)
    except pa.ArrowInvalid as error:
        reason = str(error).partition("\n")[0][:200]
        raise InvalidInputException(f"The pattern {pattern!r} is no regular expression: {reason}.") from error
    return [name for name, hit in zip(names, hits.to_pylist(), strict=True) if hit]
