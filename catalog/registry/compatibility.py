"""The eight compatibility modes: which versions a new definition is compared with, and who must be able to read whom.

AWS Glue Developer Guide, "Schema versioning and compatibility". BACKWARD: the new definition reads what the previous
version wrote. FORWARD: the previous version reads what the new definition will write. FULL: both. With ``_ALL``: every
version from the checkpoint on, not the latest alone. NONE: anything goes. DISABLED: there is no further version.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from lakelet.catalog.registry.errors import InvalidDefinition


def module_of(data_format: str) -> ModuleType:
    """The module that knows AVRO, JSON or PROTOBUF; its library is imported only when it is first needed."""
    return import_module(f".{data_format.lower()}_schema", __package__)


def canonical(data_format: str, definition: str) -> str:
    """The definition in a form that is the same for equal ones; raises InvalidDefinition when it is not valid."""
    try:
        definition.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON's escapes can write
        raise InvalidDefinition("it is not valid Unicode") from None
    form: str = module_of(data_format).check(definition)
    return form


def compared(mode: str, versions: Sequence[tuple[int, str]], checkpoint: int) -> Sequence[tuple[int, str]]:
    """Those of the ``(number, definition)`` of the available versions, oldest first, that the mode compares with."""
    if mode in ("NONE", "DISABLED"):
        return ()
    return [version for version in versions if version[0] >= checkpoint] if mode.endswith("_ALL") else versions[-1:]


def incompatible(data_format: str, mode: str, definition: str, versions: Sequence[tuple[int, str]]) -> str | None:
    """Why the mode refuses the definition after these versions, naming the first that it does not go with.

    None when it does not. Raises InvalidDefinition.
    """
    unreadable = module_of(data_format).unreadable
    kind = mode.removesuffix("_ALL")
    for number, other in reversed(versions):
        reason = None
        if kind in ("BACKWARD", "FULL"):
            reason = unreadable(reader=definition, writer=other)
        if reason is None and kind in ("FORWARD", "FULL"):
            reason = unreadable(reader=other, writer=definition)
        if reason is not None:
            return f"it is not {mode} compatible with version {number}: {reason}"
    return None
