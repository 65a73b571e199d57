"""What is known of pyspark's Connect expressions by how they are made, before Sail has given them types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lakelet.etl.sail import mixed, rules, texts
from lakelet.etl.sail.notations import Columns

COALESCES = 3  # in one another, of which Sail plans the next one twice as long
LARGEST, _DEEPEST = 500, 12  # the expressions in a value, and one in another, that a rule may name more than once
DONE = "_lakelet_done"  # a call that is Sail's own from here on
WRITTEN = "_lakelet_written"  # a value as text
KIND = "_lakelet_kind"  # of what a rule made: the function that it stands for, or the type of a cast


class Known:
    """Questions of a tree of pyspark's expressions, whose module is ``made``."""

    def __init__(self, made: Any, columns: Columns) -> None:
        self._made, self._columns = made, columns

    def _is_large(self, value: Any) -> bool:
        """Whether it is for its size alone that a value may not be named more than once."""
        if self._may_repeat(value):
            return False
        unseen = [value]
        while unseen and self._is_plain(unseen[-1]):
            unseen += unseen.pop().children
        return not unseen

    def _may_be_other(self, value: Any) -> bool:
        """Whether a value may be a time or a double, or of a type that a function of text does not take."""
        made = self._made
        if isinstance(value, made.LiteralExpression):
            return not texts.is_written_alike(value._dataType.simpleString())
        if isinstance(value, made.ColumnAlias):
            return self._may_be_other(value._child)
        if isinstance(value, made.CastExpression):
            return not texts.is_written_alike(target(value))
        if isinstance(value, made.CommonInlineUserDefinedFunction):
            kind = value._function._output_type
            return not texts.is_written_alike(getattr(kind, "data_type_string", None) or kind.simpleString())
        if isinstance(value, made.WindowExpression):
            return self._may_be_other(value._windowFunction)
        kind = getattr(value, KIND, getattr(value, "_name", "").lower())
        return kind not in texts.WRITTEN_ALIKE and not self._is_text(value)

    def _is_text(self, value: Any) -> bool:
        """Whether a value is known to be a text."""
        made = self._made
        if isinstance(value, made.LiteralExpression):
            return texts.is_text(value._dataType.simpleString())
        if isinstance(value, made.ColumnAlias):
            return self._is_text(value._child)
        if isinstance(value, made.CastExpression):
            return texts.is_text(target(value))
        name = getattr(value, KIND, getattr(value, "_name", "").lower())
        if name in texts.CHOSEN and isinstance(value, made.UnresolvedFunction):
            last = value._args[-1]
            return isinstance(last, made.LiteralExpression) and self._is_text(last)
        return name in texts.TEXTS or texts.is_text(name) or hasattr(value, WRITTEN)

    def _is_condition(self, value: Any) -> bool:
        """Whether a value is known to be true, false or null, whose casts are the same."""
        return getattr(value, KIND, getattr(value, "_name", "").lower()) in texts.CONDITIONS

    def _may_be_text(self, value: Any) -> bool:
        """Whether a value may be a text or a double for all that is known, and be named more than once."""
        made = self._made
        columns = made.ColumnReference | made.UnresolvedExtractValue | made.UnresolvedNamedLambdaVariable
        known = isinstance(value, columns) or getattr(value, "_name", "") in mixed.TEXTS
        return known and self._may_repeat(value)

    def _is_star(self, value: Any) -> bool:
        return isinstance(value, self._made.UnresolvedStar | self._made.UnresolvedRegex)

    def _is_sum(self, value: Any) -> bool:
        """Whether a value is a sum or a difference of two."""
        is_call = isinstance(value, self._made.UnresolvedFunction) and value._name in ("+", "-")
        return is_call and len(value._args) == 2 and not hasattr(value, DONE)

    def _operands(self, value: Any) -> Iterator[Any]:
        for one in value._args:
            yield from self._operands(one) if self._is_sum(one) else [one]

    def _may_be_time(self, value: Any) -> bool:
        """Whether a value may be a date or a time, or an interval that has hours, minutes or seconds."""
        from pyspark.sql.types import NumericType

        if isinstance(value, self._made.LiteralExpression):
            return not isinstance(value._dataType, NumericType)
        if isinstance(value, self._made.SQLExpression) and rules.LITERAL_INTERVAL.fullmatch(value._expr):
            return bool(rules.HOURS.search(value._expr))
        return self._is_steady(value)

    def _ends(self, value: Any) -> list[Any]:
        """The values that an expression can come to: those of a CASE in a CASE too."""
        if not isinstance(value, self._made.CaseWhen):
            return [] if value is None else [value]
        return [end for one in (*(one for _, one in value._branches), value._else_value) for end in self._ends(one)]

    def _first_of(self, value: Any) -> list[Any]:
        """The values of coalesces in one another, of which there are several; empty for any other call, and where they
        may be of several types and not be asked for those."""
        told, deepest, unseen = [], 0, [(value, 0)]
        while unseen:
            one, depth = unseen.pop()
            deepest = max(deepest, depth)
            if getattr(one, "_name", "").lower() in texts.CHOSEN and not hasattr(one, DONE):
                unseen += [(child, depth + 1) for child in reversed(one._args)]
            elif not isinstance(one, self._made.LiteralExpression) or one._value is not None:
                told.append(one)
        if deepest < COALESCES or len(told) < 2:
            return []
        return told if self._are_alike(told) or all(map(self._may_repeat, told)) else []

    def _are_alike(self, values: list[Any]) -> bool:
        """Whether values are known to be of one type."""
        kinds = set(map(self._kind, values))
        return len(kinds) == 1 and None not in kinds

    def _kind(self, value: Any) -> str | None:
        """The type of a value, if it is known, or the function of which all values are of one."""
        made = self._made
        if isinstance(value, made.LiteralExpression):
            return str(value._dataType.simpleString())
        if isinstance(value, made.ColumnAlias):
            return self._kind(value._child)
        if isinstance(value, made.CastExpression):
            return target(value).strip().lower()
        if isinstance(value, made.CaseWhen):
            kinds = {self._kind(one) for one in self._ends(value)} - {"void"}
            return kinds.pop() if len(kinds) == 1 else None
        return texts.kind_of(getattr(value, "_name", "").lower())

    def _is_steady(self, value: Any) -> bool:
        """Whether a value is the same each time that it is named."""
        return getattr(value, "_name", "") not in rules.NOT_TWICE and all(map(self._is_steady, value.children))

    def _may_repeat(self, value: Any, largest: int = LARGEST) -> bool:
        """Whether a value may be named more than once: it is the same each time, not large, and not deep, for what
        protobuf takes is 100 messages deep."""
        unseen, seen = [(value, 1)], 0
        while unseen:
            one, depth = unseen.pop()
            seen += 1
            if seen > largest or depth > _DEEPEST or not self._is_plain(one):
                return False
            if hasattr(one, WRITTEN):
                continue
            unseen += [(child, depth + 1) for child in one.children]
        return True

    def _is_plain(self, value: Any) -> bool:
        made = self._made
        if isinstance(value, made.UnresolvedFunction):
            return value._name not in rules.NOT_TWICE
        return isinstance(
            value,
            made.ColumnReference
            | made.LiteralExpression
            | made.UnresolvedNamedLambdaVariable
            | made.UnresolvedExtractValue
            | made.ColumnAlias
            | made.CastExpression
            | made.CaseWhen,
        )


def target(cast: Any) -> str:
    """The type that a cast is to, as Spark's DDL has it."""
    return cast._data_type if isinstance(cast._data_type, str) else str(cast._data_type.simpleString())
