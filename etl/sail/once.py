"""What has another value each time that it is computed, computed once, on Sail: ``uuid()`` and random numbers without a
seed are the same in all that is made of a data frame on Spark, and cached rows are kept as they are.

They go to files of this machine, as Sail's checkpoints, when an action meets them first. No order is kept there.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from threading import RLock
from typing import Any

from lakelet.etl.sail import engine
from lakelet.etl.sail.protos import nodes, parts
from lakelet.workspace.paths import Workspace

_STEADY = frozenset(("uuid", "shuffle"))  # to Spark, in all that is made of a data frame
_STEADY_TEXT = re.compile(r"\b(?:(?:uuid|rand|randn|random)\s*\(\s*\)|shuffle\s*\()", re.IGNORECASE)
_MOMENTS = frozenset(("current_timestamp", "localtimestamp", "now", "current_date", "curdate", "unix_timestamp"))
_MOMENTS_TEXT = re.compile(rf"\b(?:{'|'.join(sorted(_MOMENTS))})\b", re.IGNORECASE)
_BELOW = "An order below values that are others each time (uuid(), times, Python functions)"
_CALL = "CommonInlineUserDefinedFunction"  # of a Python function, over batches and groups as well
_TEXTS = {"ExpressionString": "expression", "SQL": "query"}
_ORDER = re.compile(r"\border\s+by\b", re.IGNORECASE)
_kept: dict[int, tuple[bytes, Any]] = {}  # by its number, what a node was, and the data frame that it was computed to


def install(workspace: Workspace) -> None:
    """Stand before all actions, and before caching."""
    from pyspark.sql.connect.dataframe import DataFrame

    _kept.clear()
    lock, making = RLock(), ContextVar("making", default=False)  # scripts act in threads, too

    def kept(client: Any, relation: Any) -> Any:
        """A node's rows, which are computed now."""
        from pyspark.sql.connect.proto import Command

        if any(map(_is_order, nodes(relation))):
            raise engine.refused(_BELOW)
        command = Command()
        command.checkpoint_command.relation.CopyFrom(relation)
        command.checkpoint_command.eager = True
        before = making.set(True)
        try:
            _, properties, _ = client.execute_command(command)
            return properties["checkpoint_command_result"]
        finally:
            making.reset(before)

    def hold(client: Any, plan: Any) -> None:
        if making.get() or plan.command.HasField("sql_command"):  # which computes nothing
            return
        for relation in nodes(plan):
            if not any(map(_is_steady, parts(relation))):
                continue
            number, told = relation.common.plan_id, relation.SerializeToString(deterministic=True)
            with lock:
                before, rows = _kept.get(number) or (told, kept(client, relation))
                _kept[number] = before, rows
            if before != told:  # it is written in an order, with what it is ordered by
                raise engine.refused(_BELOW)
            relation.CopyFrom(rows._plan.plan(client))
            relation.common.plan_id = number

    def persist(self: Any, storageLevel: Any = None) -> Any:
        relation = self._plan.plan(self._session.client)
        below = list(nodes(relation))
        told = [part for node in below for part in parts(node) if _is_moment(part)]
        if any(map(_differs, told)) or (told and not any(map(_is_order, below))):
            self._plan = kept(self._session.client, relation)._plan
        return self

    engine.before_actions(hold)
    engine.replace(DataFrame, "persist", persist)
    for name in ("checkpoint", "localCheckpoint"):
        engine.replace(DataFrame, name, engine.refusing(f"DataFrame.{name}"))


def _is_steady(part: Any) -> bool:
    """Whether a part of a plan is a call, or a text with one, that has one value for Spark."""
    return getattr(part, "function_name", "") in _STEADY or bool(_STEADY_TEXT.search(_text(part)))


def _is_moment(part: Any) -> bool:
    """Whether a part of a plan is a time of now, or a Python function."""
    by_name = part.DESCRIPTOR.name == _CALL or getattr(part, "function_name", "") in _MOMENTS
    return by_name or bool(_MOMENTS_TEXT.search(_text(part)))


def _differs(part: Any) -> bool:
    """Whether one of those has another value each time for sure: a function that has arguments may be a mere one."""
    return part.DESCRIPTOR.name != _CALL or not (part.arguments and part.deterministic)


def _is_order(relation: Any) -> bool:
    return bool(relation.sort.is_global or _ORDER.search(relation.sql.query))


def _text(part: Any) -> str:
    """The SQL text that a part of a plan is; empty for another one."""
    field = _TEXTS.get(part.DESCRIPTOR.name)
    return getattr(part, field) if field else ""
