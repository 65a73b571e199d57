"""A tree of pyspark's Connect expressions as Sail has to be asked it, to answer as Spark does: the rules of
:mod:`lakelet.etl.sail.rules` for its functions, casts and CASEs. For the SQL of scripts
:mod:`lakelet.etl.sail.sql_text` does the same.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from lakelet.etl.sail import arrays, calls, casts, engine, mixed, moving, names, rules, sql_bound, texts
from lakelet.etl.sail.known import DONE, KIND, WRITTEN, Known, target
from lakelet.etl.sail.notations import Columns, Notation, Sql, Texts
from lakelet.etl.sail.values import of_kind, written

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql import types as T

_VALUE = "_lakelet_v"
_LARGEST = 60  # the expressions in a value that a rule names as often as it needs; Sail plans longer ones for seconds


class Said(Known):
    """A tree of pyspark's expressions as Sail has to be asked it. What is no function, cast or CASE is ``apart``."""

    def __init__(self, made: Any, apart: Callable[[Any], Any], largest: int = _LARGEST) -> None:
        super().__init__(made, Columns(made, _done))
        self._apart, self._largest, self.changed = apart, largest, False

    def of(self, value: Any) -> Any:
        """The same expression by the rules; itself, if none is for it."""
        made = self._made
        if isinstance(value, made.ColumnReference | made.LiteralExpression | made.UnresolvedNamedLambdaVariable):
            return value
        if isinstance(value, made.UnresolvedFunction):
            if self._is_sum(value):
                return self._sum(value)
            if values := self._first_of(value):
                return self._coalesce(values)
            own = self._with(value, _args=[self.of(one) for one in value._args])
            if hasattr(own, DONE):
                return own
            made = self._called(own)
            return made if made is own else _of_kind(made, own._name.lower())
        if isinstance(value, made.CastExpression):
            casts.require_no_time(self._columns.constant(value._expr), target(value))
            rule = casts.rule(target(value), "TRY_CAST" if value._eval_mode == "try" else "CAST")
            own = self._with(value, _expr=self.of(value._expr))
            if rule is None or hasattr(own, DONE):
                return own
            if self._is_condition(own._expr):  # which Sail casts to all but decimals
                one = self._columns.cast(own._expr, "int")
                return self._with(own, _expr=one) if casts.is_decimal(target(value)) else own
            return _of_kind(self._bound(own._expr, rule), texts.of_cast(target(value)))
        if isinstance(value, made.CaseWhen):
            return self._case(value)
        if isinstance(value, made.ColumnAlias):
            return self._with(value, _child=self.of(value._child))
        if isinstance(value, made.UnresolvedExtractValue):
            return self._part(value)
        if isinstance(value, made.WithField | made.DropField):
            return self._with_fields(value)
        return self._apart(value)

    def _with_fields(self, value: Any) -> Any:
        """A struct with a field, or without one."""
        rule = partial(rules.of_that_field, name=value._fieldName)
        parts = {"_structExpr": self._bound(self.of(value._structExpr), rule)}
        if isinstance(value, self._made.WithField):
            parts["_valueExpr"] = self.of(value._valueExpr)
        return self._with(value, **parts)

    def _coalesce(self, values: list[Any]) -> Any:
        """The first of some values that is there, which were those of coalesces in one another."""
        told = [self.of(one) for one in values]
        made = self._called(self._made.UnresolvedFunction("coalesce", told))
        self.changed = True
        if not self._are_alike(values):
            made = self._columns.case(mixed.unlike(self._columns, told), otherwise=made)
        return _of_kind(made, "coalesce")

    def _part(self, value: Any) -> Any:
        """A field, or the value at a place or by a key."""
        own = self._with(value, _child=self.of(value._child))
        if isinstance(value._extraction, self._made.LiteralExpression) or hasattr(value, DONE):
            return own
        self.changed = True
        return arrays.at_place(self._columns, own._child, self.of(value._extraction))

    def over(self, function: Any, *, moves: bool) -> Any:
        """A window's function: NaN is right in ``max`` and ``min`` there, and not in what rows leave (``moves``)."""
        name = getattr(function, "_name", "")
        if name in rules.EXTREMES:
            args = [self._bound(self.of(one), rules.NO_NULL_INSIDE) for one in function._args]
            return self._with(function, _args=args)
        own = self.of(function)
        if moves:
            moving.require_right(name)
        if moves and name in moving.KEPT:
            return self._with(own, _args=[self._bound(one, moving.FINITE) for one in own._args])
        return own

    def kept(self, window: Any) -> Any:
        """A window whose frame rows leave, by what is left in it; None, if its function is right."""
        return moving.kept_window(self._columns, self._made, window)

    def ordered(self, value: Any) -> Any:
        """What rows are put in order by: a column may be a struct."""
        made = self._made
        own = self.of(value)
        plain = isinstance(own, made.ColumnReference | made.UnresolvedExtractValue)
        return self._bound(own, rules.NO_NULL_INSIDE) if plain else own

    def key(self, own: Any) -> Any:
        """What a window is parted or put in order by, or rows before other keys are; ``own`` is by the rules."""
        return self._bound(own, rules.WITHOUT_SIGNS) if self._may_be_other(own) else own

    def _with(self, value: Any, **parts: Any) -> Any:
        if all(_are(getattr(value, name), part) for name, part in parts.items()):
            return value
        own = copy.copy(value)
        vars(own).update(parts)
        return own

    def _called(self, value: Any) -> Any:
        """A call, some of whose arguments are texts to Spark, whatever they are."""
        name, args = value._name.lower(), value._args
        if places := texts.GIVEN.get(name):
            rule = texts.rule_of(name)
            given = [self._as_text(one, rule) if at in places else one for at, one in enumerate(args)]
            return self._function(self._with(value, _args=given))
        if (name in texts.AMONG or name == "concat") and any(map(self._is_text, args)):
            own = self._with(value, _args=[self._as_text(one, written) for one in args])
            return own if name == "concat" else self._function(own)
        if (places := texts.DATES.get(name)) and len(args) < 3:
            given = [self._as_date(one) if at in places else one for at, one in enumerate(args)]
            return self._function(self._with(value, _args=given))
        if name == "in" and len(args) == 1:  # of nothing: Sail has false of a null
            return self._columns.case((self._columns.call("isnotnull", args[0]), False), otherwise=None)
        if name == "in" or name in texts.COMPARISONS:
            compared = self._compared(name, value)
            return self._function(value) if compared is value else compared
        made = self._function(value)
        found = self._mixed(name, args) if name in texts.AMONG else None
        return self._columns.case(found, otherwise=made) if found else made

    def _as_text(self, value: Any, rule: casts.Rule) -> Any:
        """A value as the text that Spark has of it, by a rule; itself, if it is one for Sail as well."""
        if not self._may_be_other(value):
            return value
        if isinstance(value, self._made.SQLExpression):
            self.changed = True
            return self._sql(sql_bound.bound(value._expr, rule))
        if self._is_large(value):
            return value
        own = self._bound(value, rule)
        setattr(own, WRITTEN, True)
        return own

    def _as_date(self, value: Any) -> Any:
        """A value of a function of dates, as a date; itself, if it is one or the same to Sail."""
        said = self._columns.constant(value)
        is_one = texts.is_date(said) or (isinstance(value, self._made.CastExpression) and texts.is_time(target(value)))
        if is_one or getattr(value, "_name", "").lower() in texts.ARE_DATES:
            return value
        return self._bound(value, texts.as_date) if said is None or isinstance(said, str) else value

    def _compared(self, name: str, value: Any) -> Any:
        """A comparison, or IN, with literal texts."""
        said = [self._columns.constant(one) for one in value._args]
        first = value._args[0]
        if name == "in":
            if said[1:] and all(type(one) in (int, float, Decimal) for one in said[1:]) and self._may_be_text(first):
                self.changed = True
                own = self._columns.call("in", first, *texts.as_texts(said[1:]))
                kind = of_kind(self._columns, first, "string")
                return self._columns.case((kind, own), otherwise=_done(copy.copy(value)))
            if not (said[1:] and all(isinstance(one, str) for one in said[1:]) and self._may_be_other(first)):
                return value
            if not self._may_repeat(first):
                return value
            self.changed = True
            own = self._columns.call("in", written(self._columns, first), *said[1:])
            return texts.among(self._columns, _done(copy.copy(value)), own, first, said[1:])
        for at, other in ((0, 1), (1, 0)):
            if texts.is_day(said[at]) and said[other] is None and self._may_repeat(value._args[other]):
                given = list(value._args)
                given[at] = texts.beside_date(self._columns, said[at], given[other])
                self.changed = True
                return self._with(value, _args=given)
        return value

    def _mixed(self, name: str, values: list[Any]) -> tuple[Any, Any] | None:
        """A branch that refuses doubles beside texts, if there may be both; None as well where to ask would take a
        lambda."""
        literals = self._made.LiteralExpression  # by which the type of all is told
        asked = [one for one in values if self._may_be_other(one) and not isinstance(one, literals)]
        if len(asked) < 2 or not all(map(self._may_repeat, asked)):
            return None
        self.changed = True
        return texts.mixed(self._columns, name, asked)

    def _function(self, value: Any) -> Any:
        if not value._args:
            return value
        first, *rest = value._args
        name = value._name.lower()  # isNaN
        if name in texts.COMPARISONS and len(rest) == 1:
            return self._beside_number(value)
        if name in rules.EXTREMES and self._may_repeat(first):
            self.changed = True
            return rules.extreme(self._columns, name, first)
        if (made := self._by_all(name, value)) is not None:
            return made
        if name in rules.DIVISIONS and self._columns.constant(rest[0]) is None:
            return self._with(value, _args=[first, self._bound(rest[0], rules.divisor)])
        rule = calls.CALLS.get(name)
        if rule and calls.takes(rule, len(value._args)):
            if rule(self._columns, value, first, *rest) is value or self._is_left(name, value._args):
                return value
            if not all(map(self._is_steady, rest)):
                raise engine.refused(f"A value that is another one each time, in {value._name}")

            def called(e: Notation, one: Any) -> Any:
                own = copy.copy(value)
                own._args = [one, *rest]
                return rule(e, _done(own), one, *rest)

            if calls.is_named_once(self._columns, name, *rest):
                self.changed = True
                return called(self._columns, first)
            return self._bound(first, called, in_columns=True)
        if (twice := rules.TWICE.get(name)) and not any(map(self._is_star, rest)):
            told = ([one] if self._is_text(one) else [self._bound(one, rule) for rule in twice] for one in rest)
            return self._with(value, _args=[first, *chain.from_iterable(told)])
        if found := rules.argument(self._columns, name, value._args) or rules.OF_SOME_ROWS.get(name):
            place, of_argument = found
            given = enumerate(value._args)
            args = [self._bound(one, of_argument) if place in (rules.EVERY, at) else one for at, one in given]
            return self._with(value, _args=args)
        return value

    def _is_left(self, name: str, values: list[Any]) -> bool:
        """Whether it is for its texts alone that a call would be made anew, and its values are known to be of one type,
        or one is another each time."""
        plain = not any(isinstance(self._columns.constant(one), str | float) for one in values)
        kinds = {getattr(one, KIND, None) for one in values}
        alike = len(kinds) == 1 and None not in kinds
        return name in texts.CHOSEN and plain and (alike or not all(map(self._is_steady, values)))

    def _by_all(self, name: str, value: Any) -> Any:
        """A call by a rule of all of its arguments; None, if none is for it."""
        if name == "arrays_zip":
            return self._with(value, _args=[self._called_by_its_end(one) for one in value._args])
        if name == "count" and value._is_distinct and not any(map(self._is_star, value._args)):
            return self._with(value, _args=[self._bound(one, rules.DISTINCT) for one in value._args])
        made = arrays.MADE[name](self._columns, value._args) if name in arrays.MADE else None
        self.changed = self.changed or made is not None
        return made

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

    def _beside_number(self, value: Any) -> Any:
        """A comparison; one of what may be a text with a number of the script, as a number."""
        left, right = value._args
        for at, one, other in ((0, left, right), (1, right, left)):
            number = self._columns.constant(other)
            if type(number) in (int, float, bool, Decimal) and self._may_be_text(one):
                self.changed = True
                return mixed.beside_number(self._columns, one, number, partial(self._said, value, at))
        return value

    def _said(self, value: Any, at: int, operand: Any, *double: float) -> Any:
        """A comparison with another operand at a place, and another number beside it, if one is given."""
        args = [self._columns.expression(double[0]) if double else one for one in value._args]
        args[at] = operand
        return self._with(value, _args=args)

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

    def _case(self, value: Any) -> Any:
        ends = self._ends(value)
        among = any(map(self._is_text, ends))
        beside = any(type(self._columns.constant(one)) is float for one in ends)

        def told(one: Any) -> Any:
            own = self.of(one)
            if among:
                return self._as_text(own, written)
            if not beside or isinstance(one, self._made.LiteralExpression | self._made.CaseWhen):
                return own
            return self._bound(own, mixed.no_decimal)

        branches = [(self.of(condition), told(one)) for condition, one in value._branches]
        other = None if value._else_value is None else told(value._else_value)
        own = self._with(value, _branches=branches, _else_value=other)
        kinds = {repr(getattr(one, "_dataType", one)) for one in ends}  # literals of one type are alike
        if len(kinds) < 2:
            return own
        self.changed = True
        first: list[tuple[Any, Any]] = [(False, "")]
        if not among:
            first = [rules.of_one_type(self._columns, [self.of(one) for one in ends])]
            first += filter(None, [self._mixed("case", ends)])
        made = [tuple(map(self._columns.expression, one)) for one in first]
        told = self._with(own, _branches=[*made, *own._branches])
        return _of_kind(told, "string") if among else told

    def _bound(self, value: Any, rule: casts.Rule, *, in_columns: bool = False) -> Any:
        """A rule of a value: of one that is to be computed once, or is deep, by a lambda."""
        self.changed = True
        if self._may_repeat(value, self._largest):
            return rule(self._columns, value)
        variable = self._made.UnresolvedNamedLambdaVariable([_VALUE])
        body = rule(self._columns, variable) if in_columns else self._sql(str(rule(Texts(), Sql(_VALUE))))
        call = self._columns.call
        return call(  # the null is for Sail's type of the list: a value that is never null may come to one by the rule
            "get", call("transform", call("array", value, None), self._made.LambdaFunction(body, [variable])), 0
        )

    def _sql(self, text: str) -> Any:
        expression = self._made.SQLExpression("true")
        expression._expr = text  # past the door of scripts' texts
        return expression


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


def _of_kind(made: Any, kind: str) -> Any:
    """What a rule made, which knows what it stands for."""
    own = copy.copy(made)
    setattr(own, KIND, kind)
    return own


def _done(function: Any) -> Any:
    setattr(function, DONE, True)
    return function
