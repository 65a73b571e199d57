"""Schemas as Sail is told them: without the metadata of fields that have none. It takes ``{}`` for a part of the type,
and leaves it out of what it computes: arrays of structs were of two types."""

from __future__ import annotations

from typing import Any

from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace

_NONE = '"metadata":{},'  # as pyspark writes it; a name with quotes in it has backslashes before them


def install(workspace: Workspace) -> None:
    """Stand before the schemas of rows that are made, and of those that are read."""
    from pyspark.sql.connect.plan import DataSource, LocalRelation

    for node in (DataSource, LocalRelation):
        engine.replace(node, "__init__", _told(node.__init__))


def _told(original: Any) -> Any:
    def init(self: Any, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        if self._schema:
            self._schema = self._schema.replace(_NONE, "")

    return init
