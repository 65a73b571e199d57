"""The rule types of DQDL: what each takes, and the check of a ruleset before any data is read.

AWS Glue Developer Guide, "DQDL rule type reference".
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from lakelet.etl.dqdl.ruleset import (
    Arithmetic,
    Call,
    Composite,
    Condition,
    Duration,
    Keyword,
    Now,
    Operand,
    Rule,
    Ruleset,
    Size,
    Text,
    as_date,
    as_number,
    as_time,
    leaves,
)
from lakelet.etl.errors import UnsupportedError
from lakelet.workspace.errors import UsageError

FILE_TAGS = frozenset({"recentFiles", "uriRegex", "filterOrder"})
_ONE_OF_MANY = ("avg", "median", "max", "min", "sum", "std", "abs")
FUNCTIONS = {"last": (0, 1), "index": (2, 2)} | dict.fromkeys(_ONE_OF_MANY, (1, 1))
MANY = 100


@dataclass(frozen=True)
class RuleType:
    """What rules of a type take: ``parameters`` is how few and how many; ``condition`` the kind of its condition,
    ``values`` for what ColumnValues compares, empty for types that are true or false by themselves. ``per_row`` tells
    whether a composite rule may be judged row by row with it.
    """

    parameters: tuple[int, int]
    condition: str = ""
    optional: bool = False
    where: bool = False
    tags: frozenset[str] = frozenset()
    analyzer: bool = False
    rule: bool = True
    per_row: bool = True


_THRESHOLD = frozenset({"threshold"})
_MEASURE = RuleType((1, 1), "number", where=True, analyzer=True)

TYPES = {
    "AggregateMatch": RuleType((2, 2), "number"),
    "AllStatistics": RuleType((1, 1), analyzer=True, rule=False),
    "ColumnCorrelation": RuleType((2, 2), "number", where=True, analyzer=True),
    "ColumnCount": RuleType((0, 0), "number", analyzer=True),
    "ColumnDataType": RuleType((1, 1), "text", where=True, tags=_THRESHOLD | {"format"}),
    "ColumnExists": RuleType((1, 1)),
    "ColumnLength": RuleType((1, 1), "number", where=True, analyzer=True),
    "ColumnNamesMatchPattern": RuleType((1, 1)),
    "ColumnValues": RuleType((1, 1), "values", where=True, tags=_THRESHOLD, analyzer=True),
    "Completeness": RuleType((1, 1), "number", where=True, analyzer=True, per_row=False),
    "CustomSql": RuleType((1, 1), "number", optional=True, tags=_THRESHOLD, analyzer=True),
    "DataFreshness": RuleType((1, 1), "duration", where=True),
    "DatasetMatch": RuleType((2, 3), "number", per_row=False),
    "DistinctValuesCount": _MEASURE,
    "Entropy": _MEASURE,
    "FileFreshness": RuleType((0, 1), "moment", tags=_THRESHOLD | FILE_TAGS | {"failFast", "timeZone"}),
    "FileMatch": RuleType((0, 2), "text", optional=True, tags=FILE_TAGS | {"hashAlgorithm", "matchFileName"}),
    "FileSize": RuleType((0, 1), "size", tags=_THRESHOLD | FILE_TAGS | {"failFast"}),
    "FileUniqueness": RuleType((0, 1), "number", tags=FILE_TAGS | {"matchFileName"}),
    "IsComplete": RuleType((1, 1), where=True),
    "IsPrimaryKey": RuleType((1, MANY), where=True),
    "IsUnique": RuleType((1, MANY), where=True),
    "Mean": _MEASURE,
    "ReferentialIntegrity": RuleType((2, 2), "number", per_row=False),
    "RowCount": RuleType((0, 0), "number", where=True, analyzer=True),
    "RowCountMatch": RuleType((1, 1), "number"),
    "SchemaMatch": RuleType((1, 1), "number"),
    "StandardDeviation": _MEASURE,
    "Sum": _MEASURE,
    "Uniqueness": RuleType((1, MANY), "number", where=True, analyzer=True, per_row=False),
    "UniqueValueRatio": RuleType((1, 1), "number", where=True, analyzer=True, per_row=False),
}
_REFUSED = {
    "DetectAnomalies": "AWS does not say by which model it tells an anomaly; compare with past runs instead, as in "
    "RowCount > 0.9 * avg(last(10))",
    "Distribution": "its bins have no place among metrics; use Entropy, DistinctValuesCount or CustomSql",
}
_KINDS = {
    "number": "a number",
    "text": "a text in quotes",
    "duration": "a time with its unit, as in <= 24 hours",
    "moment": "a date, a time of day or now()",
    "size": "a size with its unit, as in > 2 MB",
    "values": "values of one kind: numbers, texts or dates",
}
_PAST = ("AggregateMatch", "ColumnLength", "ColumnValues", "FileUniqueness")  # types whose conditions are constants


def check(ruleset: Ruleset) -> None:
    """Refuse what no rule of its type can mean. Raises UsageError or UnsupportedError, which name rule and place."""
    for rule in ruleset.rules:
        for leaf in leaves(rule):
            _check(leaf, TYPES.get(leaf.type), is_rule=True)
    for rule in ruleset.analyzers:
        _check(rule, TYPES.get(rule.type), is_rule=False)


def check_per_row(rule: Rule | Composite) -> None:
    """Refuse a composite rule of which a part is about shares, and no row can be judged by it. Raises UsageError."""
    for leaf in leaves(rule) if isinstance(rule, Composite) else ():
        if not TYPES[leaf.type].per_row or leaf.threshold:
            raise UsageError(
                f"{leaf} at {leaf.place} is about a share of the rows: the option compositeRuleEvaluation.method ROW "
                "cannot judge it row by row; take it out of the composite rule."
            )


def _check(rule: Rule, kind: RuleType | None, *, is_rule: bool) -> None:
    at = f"{rule} at {rule.place}"
    if rule.type in _REFUSED:
        raise UnsupportedError(f"{at} is not supported: {_REFUSED[rule.type]}.")
    if kind is None:
        near = difflib.get_close_matches(rule.type, TYPES, 1)
        hint = f"did you mean {near[0]}?" if near else "docs/data-quality.md lists them."
        raise UsageError(f"{at} is of no rule type that DQDL has: {hint}")
    if not (kind.rule if is_rule else kind.analyzer):
        raise UsageError(f"{at} cannot stand among the {'rules' if is_rule else 'analyzers'}: {rule.type} is none.")
    fewest, most = kind.parameters
    if not fewest <= len(rule.parameters) <= most:
        takes = f"{fewest}" if fewest == most else f"{fewest} or more" if most == MANY else f"{fewest} to {most}"
        raise UsageError(f"{at} has {len(rule.parameters)} parameters: {rule.type} takes {takes}.")
    if rule.type.startswith("File") and not rule.parameters:
        raise UnsupportedError(f"{at} is not supported without a path: name the file, or the folder with / at its end.")
    if rule.where is not None and not kind.where:
        raise UsageError(f"{at} has a where clause: {rule.type} takes none.")
    if wrong := sorted(rule.tags.keys() - kind.tags):
        allowed = ", ".join(sorted(kind.tags)) or "nothing"
        raise UsageError(f"{at} says with {', '.join(wrong)}: {rule.type} takes {allowed} there.")
    if is_rule:
        _check_condition(rule, kind, at)


def _check_condition(rule: Rule, kind: RuleType, at: str) -> None:
    condition = rule.condition
    if rule.threshold is not None:
        _require(rule.threshold, "number", f"The threshold of {at}")
        if rule.type == "CustomSql" and condition:
            raise UsageError(f"{at} has a condition and a threshold: CustomSql takes one of them.")
    if condition is None:
        if kind.condition and not kind.optional:
            raise UsageError(f"{at} has no condition: {rule.type} needs one, on {_KINDS[kind.condition]}.")
        if rule.type == "FileMatch" and len(rule.parameters) < 2:
            raise UsageError(f'{at} has nothing to compare with: name a second path, or checksums with in ["…"].')
        return
    if not kind.condition:
        raise UsageError(f"{at} has a condition: {rule.type} is true or false by itself; remove it.")
    _require(condition, kind.condition, at)
    if rule.type in _PAST and any(isinstance(one, Call | Arithmetic) for one in condition.operands):
        raise UsageError(f"{at} compares with past runs: AWS has no dynamic rules of the type {rule.type}.")


def _require(condition: Condition, kind: str, at: str) -> None:
    if condition.operator in ("=", ">", "<", ">=", "<=") and len(condition.operands) != 1:
        raise UsageError(f"{at} compares with a list: write in [ … ].")
    kinds = ("number", "date", "text") if kind == "values" else (kind,)
    has_keyword = any(isinstance(one, Keyword) for one in condition.operands)
    all_fit = any(all(fits(one, each) for one in condition.operands) for each in kinds)
    if kind == "values" and len({isinstance(one, Text) for one in condition.operands if not _is_open(one)}) > 1:
        all_fit = False  # a number in quotes is a text here
    if not all_fit or (has_keyword and kind != "values"):
        raise UsageError(f"{at} compares with {condition}: it takes {_KINDS[kind]}.")
    if kind not in ("values", "text") and condition.operator == "matches":
        raise UsageError(f"{at} matches a pattern: it takes {_KINDS[kind]}.")
    textual = kind == "text" or (kind == "values" and kind_of(condition) == "text")
    if textual and condition.operator not in ("=", "in", "matches"):
        raise UsageError(f"{at} compares texts with {condition.operator}: texts take =, !=, in and matches.")
    for one in condition.operands:
        _check_function(one, at)


def _check_function(operand: Operand, at: str) -> None:
    """A number, also by functions of past runs; ``last(k)`` alone is several numbers, which a function makes one of."""
    if isinstance(operand, Arithmetic):
        _check_function(operand.left, at)
        _check_function(operand.right, at)
    elif isinstance(operand, Call):
        name, arguments = operand.name, operand.arguments
        if name and name not in FUNCTIONS:
            raise UsageError(f"{at} calls {name}: DQDL has {', '.join(sorted(FUNCTIONS))}.")
        fewest, most = FUNCTIONS.get(name, (1, 1))
        if not fewest <= len(arguments) <= most:
            raise UsageError(f"{at} calls {operand} with {len(arguments)} arguments: {name} takes {fewest} to {most}.")
        if name == "last" and last_runs(operand) > 1:
            raise UsageError(f"{at} compares with {operand}, several numbers: make one of them, as in avg({operand}).")
        if name == "index":
            last, position = arguments
            if not isinstance(last, Call) or last.name != "last" or not _natural(position, 0):
                raise UsageError(f"{at} calls {operand}: write index(last(10), 2), which counts from 0.")
            if as_number(position) >= last_runs(last):  # type: ignore[operator]  # it is a number
                raise UsageError(f"{at} calls {operand}: {last} has no value {position}, they count from 0.")
        elif name != "last":
            for one in arguments:
                if isinstance(one, Call) and one.name == "last":
                    last_runs(one)
                else:
                    _check_function(one, at)


def last_runs(call: Call) -> int:
    """The k of ``last(k)``. Raises UsageError unless it is a whole number from 1."""
    if not call.arguments:
        return 1
    if len(call.arguments) > 1 or not _natural(call.arguments[0], 1):
        raise UsageError(f"{call} of the ruleset takes a whole number from 1: the number of past runs.")
    return int(as_number(call.arguments[0]) or 1)


def _natural(operand: Operand, least: int) -> bool:
    value = as_number(operand)
    return value is not None and value >= least and value == int(value)


def _is_open(operand: Operand) -> bool:
    """Whether an operand stands among texts and among dates: a keyword, or now()."""
    return isinstance(operand, Keyword | Now)


def kind_of(condition: Condition) -> str:
    """What ColumnValues compares: ``number``, ``date`` or ``text``; NULL alone is a text."""
    if condition.operator == "matches" or all(isinstance(one, Keyword) for one in condition.operands):
        return "text"
    if all(fits(one, "number") and not isinstance(one, Text) for one in condition.operands):
        return "number"
    return next((kind for kind in ("date", "text") if all(fits(one, kind) for one in condition.operands)), "number")


def fits(operand: Operand, kind: str) -> bool:
    """Whether an operand can be compared with what is of a kind."""
    is_null = operand == Keyword("NULL")
    if kind == "number":
        return is_null or isinstance(operand, Call | Arithmetic) or as_number(operand) is not None
    if kind == "text":
        return isinstance(operand, Text | Keyword)
    if kind in ("date", "moment"):
        is_time = kind == "moment" and as_time(operand) is not None
        return is_null or is_time or isinstance(operand, Now) or as_date(operand) is not None
    return isinstance(operand, Duration if kind == "duration" else Size)
