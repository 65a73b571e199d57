"""What goes wrong with a schema definition."""

from __future__ import annotations

from lakelet.workspace.errors import LakeletError


class InvalidDefinition(LakeletError):
    """A definition is not valid in its data format; the message says where."""
