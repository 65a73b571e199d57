"""The errors that Glue scripts see, under the names that AWS documents."""

from __future__ import annotations

from lakelet.etl import refusals
from lakelet.workspace.errors import LakeletError, UsageError


class GlueArgumentError(UsageError):
    """``getResolvedOptions`` was asked for an argument that the run was not given."""


class UnsupportedError(LakeletError):
    """A part of the Glue API, or an option of it, that Lakelet does not have: refused by name, never ignored. A run
    whose script catches it does not succeed."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        refusals.note(sentence)


class MongoDBError(LakeletError):
    """Documents that cannot be read or written: what MongoDB, or the BSON in it, says against it."""


class ErrorThresholdError(LakeletError):
    """A transform met more error records than its ``stageThreshold`` or ``totalThreshold`` allows."""


def refuse_unknown(given: dict[str, object], known: frozenset[str], what: str) -> None:
    """Refuse the options that are not in ``known``, naming them; ``what`` says whose options they are.

    Raises :class:`UnsupportedError`.
    """
    if unknown := sorted(given.keys() - known):
        raise UnsupportedError(
            f"{what} does not support the option {', '.join(unknown)}: remove it, or use one of "
            f"{', '.join(sorted(known)) or 'none at all'}."
        )
