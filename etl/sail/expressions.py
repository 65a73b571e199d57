"""A tree of pyspark's Connect expressions as Sail has to be asked it, to answer as Spark does: the rules of
:mod:`etl.sail.rules` for its functions, casts and CASEs. For the SQL of scripts :mod:`etl.sail.sql_text` does the same.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from etl.sail import calls, casts, engine, mixed, names, rules
from etl.sail.notations import Columns, Notation, Sql, Texts

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql import types as T

_VALUE = "_lakelet_v"
_LARGEST, _DEEPEST = 500, 12  # the expressions in a value, and one in another, that a rule may name more than once
_DONE = "_lakelet_done"  # a call that is Sail's own from here on


class Said:
    """A tree of pyspark's expressions as Sail has to be asked it. What is no function, cast or CASE is ``apart``."""

    def __init__(self, made: Any, apart: Callable[[Any], Any]) -> None:
        self._made, self._apart, self.changed = made, apart, False
        self._columns = Columns(made, _done)

    def of(self, value: Any) -> Any:
        """The same expression by the rules; itself, if none is for it."""
        made = self._made
        if isinstance(value, made.ColumnReference | made.LiteralExpression | made.UnresolvedNamedLambdaVariable):
            return value
        if isinstance(value, made.UnresolvedFunction):
            if self._is_sum(value):
                return self._sum(value)
            own = self._with(value, _args=[self.of(one) for one in value._args])
            return own if hasattr(own, _DONE) else self._function(own)
        if isinstance(value, made.CastExpression):
            casts.require_no_time(self._columns.constant(value._expr), _target(value))
            rule = casts.rule(_target(value), "TRY_CAST" if value._eval_mode == "try" else "CAST")
            own = self._with(value, _expr=self.of(value._expr))
            return own if rule is None or hasattr(own, _DONE) else self._bound(own._expr, rule)
        if isinstance(value, made.CaseWhen):
            return self._case(value)
        if isinstance(value, made.ColumnAlias):
            return self._with(value, _child=self.of(value._child))
        return self._apart(value)

    def over(self, function: Any, *, moving: bool) -> Any:
        """A window's function: NaN is right in ``max`` and ``min`` there, and not in what rows leave (``moving``)."""
        name = getattr(function, "_name", "")
        if name in rules.EXTREMES:
            args = [self._bound(self.of(one), rules.NO_NULL_INSIDE) for one in function._args]
            return self._with(function, _args=args)
        own = self.of(function)
        if moving and name in rules.MOVING:
            return self._with(own, _args=[self._bound(one, rules.FINITE) for one in own._args])
        return own

    def ordered(self, value: Any) -> Any:
        """What rows are put in order by: a column may be a struct."""
        made = self._made
        own = self.of(value)
        plain = isinstance(own, made.ColumnReference | made.UnresolvedExtractValue)
        return self._bound(own, rules.NO_NULL_INSIDE) if plain else own

    def key(self, own: Any) -> Any:
        """What a window is parted or put in order by, or rows before other keys are; ``own`` is by the rules already.
        Sail takes no lambdas there."""
        return self._bound(own, rules.WITHOUT_SIGNS) if self._may_repeat(own) else own

    def _with(self, value: Any, **parts: Any) -> Any:
        if all(_are(getattr(value, name), part) for name, part in parts.items()):
            return value
        own = copy.copy(value)
        vars(own).update(parts)
        return own

    def _function(self, value: Any) -> Any:
        if not value._args:
            return value
        first, *rest = value._args
        name = value._name.lower()  # isNaN
        if name in mixed.COMPARISONS and len(rest) == 1:
            return self._compared(value)
        if name in rules.EXTREMES and self._may_repeat(first):
            self.changed = True
            return rules.extreme(self._columns, name, first)
        if name == "arrays_zip":
            return self._with(value, _args=[self._called_by_its_end(one) for one in value._args])
        if name in rules.DIVISIONS and self._columns.constant(rest[0]) is None:
            return self._with(value, _args=[first, self._bound(rest[0], rules.divisor)])
        rule = calls.CALLS.get(name)
        if rule and calls.takes(rule, len(value._args)):
            if rule(self._columns, value, first, *rest) is value:
                return value
            if not all(map(self._is_steady, rest)):
                raise engine.refused(f"A value that is another one each time, in {value._name}")

            def called(e: Notation, one: Any) -> Any:
                own = copy.copy(value)
                own._args = [one, *rest]
                return rule(e, _done(own), one, *rest)

            if name in calls.NAMED_ONCE:
                self.changed = True
                return called(self._columns, first)
            return self._bound(first, called, in_columns=True)
        if (twice := rules.TWICE.get(name)) and not any(map(self._is_star, rest)):
            return self._with(value, _args=[first, *(self._bound(one, told) for one in rest for told in twice)])
        if found := rules.argument(self._columns, name, value._args) or rules.OF_SOME_ROWS.get(name):
            place, of_argument = found
            given = enumerate(value._args)
            args = [self._bound(one, of_argument) if place in (rules.EVERY, at) else one for at, one in given]
            return self._with(value, _args=args)
        return value

    def _called_by_its_end(self, value: Any) -> Any:
        """A field, by its own name, which the structs of arrays_zip have as well."""
        made = self._made
        if isinstance(value, made.ColumnReference) and "." in value._unparsed_identifier:
            end = names.parts(value)[-1]
        elif isinstance(value, made.UnresolvedExtractValue) and isinstance(value._extraction._value, str):
            end = value._extraction._value
        else:
            return value
        self.changed = True
        return made.ColumnAlias(value, [end], None)

    def _compared(self, value: Any) -> Any:
        """A comparison; one of what may be a text with a number of the script, as a number."""
        left, right = value._args
        for at, one, other in ((0, left, right), (1, right, left)):
            number = self._columns.constant(other)
            if type(number) in (int, float, Decimal) and self._may_be_text(one):
                self.changed = True
                return mixed.beside_number(self._columns, one, number, partial(self._said, value, at))
        return value

    def _said(self, value: Any, at: int, operand: Any, *double: float) -> Any:
        """A comparison with another operand at a place, and another number beside it, if one is given."""
        args = [self._columns.expression(double[0]) if double else one for one in value._args]
        args[at] = operand
        return self._with(value, _args=args)

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
        return is_call and len(value._args) == 2 and not hasattr(value, _DONE)

    def _sum(self, value: Any) -> Any:
        """A sum or a difference, by the types that its operands have in the script."""
        own = self._summed(value)
        operands = [one for one in self._operands(value) if self._may_be_time(one)]
        if len(operands) < 2:
            return own
        left, right = own._args
        self.changed = True
        return self._with(own, _args=[left, rules.of_times(self._columns, right, operands)])

    def _summed(self, value: Any) -> Any:
        args = [self._summed(one) if self._is_sum(one) else self.of(one) for one in value._args]
        return self._with(value, _args=args)

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

    def _case(self, value: Any) -> Any:
        ends = self._ends(value)
        beside = any(type(self._columns.constant(one)) is float for one in ends)

        def told(one: Any) -> Any:
            own = self.of(one)
            if not beside or isinstance(one, self._made.LiteralExpression | self._made.CaseWhen):
                return own
            return self._bound(own, mixed.no_decimal)

        branches = [(self.of(condition), told(one)) for condition, one in value._branches]
        own = self._with(value, _branches=branches, _else_value=value._else_value and told(value._else_value))
        kinds = {repr(getattr(one, "_dataType", one)) for one in ends}  # literals of one type are alike
        if len(kinds) < 2:
            return own
        self.changed = True
        typed = rules.of_one_type(self._columns, [self.of(one) for one in ends])
        return self._with(own, _branches=[tuple(map(self._columns.expression, typed)), *own._branches])

    def _ends(self, value: Any) -> list[Any]:
        """The values that an expression can come to: those of a CASE in a CASE too."""
        if not isinstance(value, self._made.CaseWhen):
            return [] if value is None else [value]
        return [end for one in (*(one for _, one in value._branches), value._else_value) for end in self._ends(one)]

    def _bound(self, value: Any, rule: casts.Rule, *, in_columns: bool = False) -> Any:
        """A rule of a value: of one that is to be computed once, or is deep, by a lambda."""
        self.changed = True
        if self._may_repeat(value):
            return rule(self._columns, value)
        variable = self._made.UnresolvedNamedLambdaVariable([_VALUE])
        body = rule(self._columns, variable) if in_columns else self._sql(str(rule(Texts(), Sql(_VALUE))))
        call = self._columns.call
        return call(  # the null is for Sail's type of the list: a value that is never null may come to one by the rule
            "element_at", call("transform", call("array", value, None), self._made.LambdaFunction(body, [variable])), 1
        )

    def _sql(self, text: str) -> Any:
        expression = self._made.SQLExpression("true")
        expression._expr = text  # past the door of scripts' texts
        return expression

    def _is_steady(self, value: Any) -> bool:
        """Whether a value is the same each time that it is named."""
        return getattr(value, "_name", "") not in rules.NOT_TWICE and all(map(self._is_steady, value.children))

    def _may_repeat(self, value: Any) -> bool:
        """Whether a value may be named more than once: it is the same each time, not large, and not deep, for what
        protobuf takes is 100 messages deep."""
        unseen, seen = [(value, 1)], 0
        while unseen:
            one, depth = unseen.pop()
            seen += 1
            if seen > _LARGEST or depth > _DEEPEST or not self._is_plain(one):
                return False
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


def _are(one: Any, other: Any) -> bool:
    """Whether parts of expressions are the same objects: their ``==`` makes an expression of the two."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_are, one, other))
    return one is other


def own_cast(value: Any, target: str | T.DataType, mode: str | None = None) -> Column:
    """A cast as Sail has it, where it is known to be Spark's: it takes less time. By ``try`` it may come to a null."""
    from pyspark.sql.connect import expressions as made

    return _column(made.CastExpression(value._expr, target, mode))


def own_call(name: str, *values: Any) -> Column:
    """A function as Sail has it, likewise."""
    from pyspark.sql.connect import expressions as made

    return _column(made.UnresolvedFunction(name, [value._expr for value in values]))


def _column(expression: Any) -> Column:
    from pyspark.sql.connect.column import Column as Made

    made: Any = Made  # whose type says that it cannot be called
    column: Column = made(_done(expression))
    return column


def _target(cast: Any) -> str:
    return cast._data_type if isinstance(cast._data_type, str) else str(cast._data_type.simpleString())


def _done(function: Any) -> Any:
    setattr(function, _DONE, True)
    return function
