"""What a ruleset says: its rules and analyzers, and the text of each as outcomes show it.

AWS Glue Developer Guide, "Data Quality Definition Language (DQDL) reference".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta


@dataclass(frozen=True)
class Number:
    """A number, with its text."""

    value: float
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Text:
    """A quoted text, without its quotes."""

    value: str

    def __str__(self) -> str:
        return quoted(self.value)


@dataclass(frozen=True)
class Keyword:
    """NULL, EMPTY or WHITESPACES_ONLY."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Now:
    """``now()``, or ``(now() - 3 days)``."""

    offset: timedelta
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Duration:
    """``24 hours``."""

    value: timedelta
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Size:
    """``2 MB``, in bytes."""

    value: int
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Call:
    """A function of past values: ``avg(last(10))``."""

    name: str
    arguments: tuple[Operand, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True)
class Arithmetic:
    """Two numbers and ``+``, ``-``, ``*`` or ``/`` between them."""

    operator: str
    left: Operand
    right: Operand

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


Operand = Number | Text | Keyword | Now | Duration | Size | Call | Arithmetic


@dataclass(frozen=True)
class Condition:
    """What a measure or a value has to be: ``operator`` is ``=``, ``>``, ``between``, ``in``, ``matches``, …;
    ``negated`` is it with ``not`` (``!=`` is ``=``, negated).
    """

    operator: str
    operands: tuple[Operand, ...]
    negated: bool = False

    def __str__(self) -> str:
        words = [str(one) for one in self.operands]
        if self.operator == "=":
            value = words[0] if len(words) == 1 else f"[{','.join(words)}]"
            return f"{'!=' if self.negated else '='} {value}"
        before = "not " if self.negated else ""
        if self.operator == "between":
            return f"{before}between {words[0]} and {words[1]}"
        if self.operator == "in":
            return f"{before}in [{','.join(words)}]"
        return f"{before}{self.operator} {words[0]}"


@dataclass(frozen=True)
class Place:
    """Where something begins in the ruleset's text; both count from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


@dataclass(frozen=True)
class Rule:
    """One rule or analyzer. ``tags`` are what follows ``with``: a threshold, or options of the rules about files."""

    type: str
    parameters: tuple[str, ...] = ()
    condition: Condition | None = None
    where: str | None = None
    tags: Mapping[str, Condition] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    place: Place = Place(1, 1)

    @property
    def threshold(self) -> Condition | None:
        """The condition on the share of values that comply."""
        return self.tags.get("threshold")

    def __str__(self) -> str:
        words = [self.type, *map(quoted, self.parameters)]
        words += [str(self.condition)] if self.condition else []
        words += [f"where {quoted(self.where)}"] if self.where is not None else []
        words += [f"with {name} {condition}" for name, condition in self.tags.items()]
        return " ".join(words)


@dataclass(frozen=True)
class Composite:
    """Rules joined by ``and`` or ``or``."""

    operator: str
    parts: tuple[Rule | Composite, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    place: Place = Place(1, 1)

    def __str__(self) -> str:
        return f" {self.operator.upper()} ".join(f"({part})" for part in self.parts)


@dataclass(frozen=True)
class Ruleset:
    """All of a document: rules and analyzers in their order."""

    rules: tuple[Rule | Composite, ...]
    analyzers: tuple[Rule, ...] = ()

    def leaves(self) -> Iterator[Rule]:
        """Every single rule, those within composite ones too, and then the analyzers."""
        for rule in self.rules:
            yield from leaves(rule)
        yield from self.analyzers


def leaves(rule: Rule | Composite) -> Iterator[Rule]:
    """The single rules of a rule."""
    if isinstance(rule, Rule):
        yield rule
    else:
        for part in rule.parts:
            yield from leaves(part)


def quoted(text: str) -> str:
    """A text as DQDL quotes it: a quote in it is escaped, and a backslash stays one, as regular expressions have it."""
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


def as_date(operand: Operand) -> date | None:
    """The day that a text names (``"2022-06-30"``), or None."""
    if not isinstance(operand, Text) or len(operand.value) != 10:
        return None
    try:
        return date.fromisoformat(operand.value)
    except ValueError:
        return None


def as_time(operand: Operand) -> time | None:
    """The time of day that a text names (``"9:30 PM"``, ``"21:45"``), or None."""
    if isinstance(operand, Text):
        for form in ("%I:%M %p", "%H:%M"):
            try:
                return datetime.strptime(operand.value, form).time()
            except ValueError:
                continue
    return None


def as_number(operand: Operand) -> float | None:
    """The number that an operand is, also in quotes (``Completeness "a" = "1.0"``), or None."""
    if isinstance(operand, Number):
        return operand.value
    try:
        return float(operand.value) if isinstance(operand, Text) else None
    except ValueError:
        return None
