"""From the text of a ruleset to its rules; what is wrong in it is named by line and column.

The grammar is that of the AWS Glue Developer Guide, "DQDL syntax"; lark reads it (docs/adr/0018-dqdl-by-columns.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError

from lakelet.etl.dqdl.ruleset import (
    Arithmetic,
    Call,
    Composite,
    Condition,
    Duration,
    Keyword,
    Now,
    Number,
    Operand,
    Place,
    Rule,
    Ruleset,
    Size,
    Text,
)
from lakelet.workspace.errors import UsageError

MAX_LABELS, MAX_LABEL_KEY, MAX_LABEL_VALUE = 10, 128, 256
UNITS = {unit: 1024**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB"))}

GRAMMAR = r"""
start: constant* default_labels? sections

constant: NAME "=" (string | string_list)
default_labels: "DefaultLabels" "=" label_list
?sections: rules analyzers? | analyzers
rules: "Rules" "=" "[" _either ("," _either)* "]"
analyzers: "Analyzers" "=" "[" rule ("," rule)* "]"

_either: any_of | all_of | rule | group
any_of: _conjunct (_OR _conjunct)+
all_of: group (_AND group)+
_conjunct: all_of | group
group: "(" (rule | any_of | all_of | group) ")" labels?

rule: NAME parameter* condition? where? labels? tag* labels?
parameter: string | NAME | variable
where: "where" (string | variable)
tag: "with" NAME condition
labels: "labels" "=" label_list
label_list: "[" (label ("," label)*)? "]"
label: string "=" string

condition: COMPARISON operand -> compared
    | "=" (operand | operands) -> equal
    | NOT? "between" operand _AND operand -> between
    | NOT? "in" (operands | variable) -> within
    | NOT? "matches" (string | variable) -> matching
operands: "[" operand ("," operand)* "]"
string_list: "[" string ("," string)* "]"

?operand: sum | string | variable | now
?sum: product | sum ADD product -> arithmetic
?product: atom | product MULTIPLY atom -> arithmetic
?atom: NUMBER -> number
    | "-" atom -> negative
    | NUMBER DURATION -> duration
    | NUMBER SIZE -> size
    | NAME "(" (sum ("," sum)*)? ")" -> call
    | "(" sum ")" -> parenthesis
    | KEYWORD -> keyword
now: "now" "(" ")"
    | "(" "now" "(" ")" ADD NUMBER DURATION ")"
string: STRING
variable: "$" NAME

COMPARISON: "!=" | ">=" | "<=" | ">" | "<"
NOT: "not"
_AND.2: "and" | "AND"
_OR.2: "or" | "OR"
KEYWORD.2: "NULL" | "null" | "EMPTY" | "empty" | "WHITESPACES_ONLY" | "whitespaces_only"
DURATION.2: "days" | "hours" | "minutes"
SIZE.2: "KB" | "MB" | "GB" | "TB" | "B"
ADD: "+" | "-"
MULTIPLY: "*" | "/"
NUMBER: /\d+(\.\d+)?/
NAME: /[A-Za-z_][A-Za-z0-9_.]*/
STRING: /"(\\.|[^"\\])*"/s
COMMENT: /#[^\n]*/
%import common.WS
%ignore WS
%ignore COMMENT
"""

# Where lark's names of what it expects are no words of the language.
_WORDS = {
    "NAME": "a name", "STRING": "a text in quotes", "NUMBER": "a number", "COMPARISON": "!= > >= < <=",
    "KEYWORD": "NULL, EMPTY or WHITESPACES_ONLY", "DURATION": "days, hours or minutes", "SIZE": "B, KB, MB, GB or TB",
    "ADD": "+ or -", "MULTIPLY": "* or /", "EQUAL": "=", "COMMA": ",", "LSQB": "[", "RSQB": "]", "LPAR": "(",
    "RPAR": ")", "DOLLAR": "$", "MINUS": "-", "$END": "the end", "_AND": "and", "_OR": "or",
    "RULES": "Rules", "ANALYZERS": "Analyzers", "DEFAULTLABELS": "DefaultLabels",
}  # fmt: skip


def parse(text: str) -> Ruleset:
    """The rules of a ruleset. Raises UsageError, which names line and column and what was expected there."""
    try:
        tree = _parser().parse(text)
        return _Builder().transform(tree)  # type: ignore[no-any-return]
    except UnexpectedInput as error:
        raise UsageError(_explained(error, text)) from None
    except VisitError as error:
        raise error.orig_exc from None


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", propagate_positions=True)


def _explained(error: UnexpectedInput, text: str) -> str:
    if isinstance(error, UnexpectedToken):
        names: Iterable[str] = error.accepts or error.expected
        found = "the end" if error.token.type == "$END" else repr(str(error.token))
    else:
        names, found = getattr(error, "allowed", None) or (), repr(text[error.pos_in_stream or 0 :][:1])
    place = Place(error.line, error.column)
    if found == "the end":
        lines = text.rstrip().splitlines() or [""]
        place = Place(len(lines), len(lines[-1]) + 1)
    expected = ", ".join(sorted({_WORDS.get(name, name.lower()) for name in names}))
    return f"The ruleset is no DQDL at {place}: found {found}, expected {expected or 'something else'}."


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Makes the rules of lark's tree, from the leaves up."""

    def __init__(self) -> None:
        super().__init__()
        self.constants: dict[str, str | tuple[Operand, ...]] = {}
        self.defaults: dict[str, str] = {}

    # -- the document -------------------------------------------------------------------------------------------

    def constant(self, name: Token, value: str | list[str]) -> None:
        if name in self.constants:
            raise UsageError(f"The ruleset defines {name} twice, again at {_place(name)}: leave one of them.")
        self.constants[str(name)] = value if isinstance(value, str) else tuple(map(Text, value))

    def default_labels(self, labels: dict[str, str]) -> None:
        self.defaults = labels

    def rules(self, *rules: Rule | Composite) -> tuple[Rule | Composite, ...]:
        return tuple(self._labelled(rule) for rule in rules)

    def analyzers(self, *rules: Rule) -> Ruleset:
        for rule in rules:
            if rule.condition or rule.where is not None or rule.tags or rule.labels:
                raise UsageError(
                    f"The analyzer {rule} at {rule.place} has more than a type and columns: remove the rest."
                )
        return Ruleset((), rules)

    def sections(self, rules: tuple[Rule | Composite, ...], analyzers: Ruleset) -> Ruleset:
        return Ruleset(rules, analyzers.analyzers)

    def start(self, *parts: Any) -> Ruleset:
        last = parts[-1]
        return last if isinstance(last, Ruleset) else Ruleset(last)

    def _labelled(self, rule: Rule | Composite) -> Rule | Composite:
        labels = {**self.defaults, **rule.labels}
        if len(labels) > MAX_LABELS:
            raise UsageError(f"{rule} at {rule.place} has {len(labels)} labels: AWS allows {MAX_LABELS}.")
        return replace(rule, labels=labels)

    # -- rules --------------------------------------------------------------------------------------------------

    def any_of(self, *parts: Rule | Composite) -> Composite:
        return _composite("or", parts)

    def all_of(self, *parts: Rule | Composite) -> Composite:
        return _composite("and", parts)

    def group(self, rule: Rule | Composite, labels: _Labels | None = None) -> Rule | Composite:
        return rule if labels is None else replace(rule, labels={**rule.labels, **labels.labels})

    def rule(self, kind: Token, *parts: Any) -> Rule:
        labels = {name: value for one in parts if isinstance(one, _Labels) for name, value in one.labels.items()}
        tags: dict[str, Condition] = {}
        for one in (one for one in parts if isinstance(one, _Tag)):
            if one.name in tags:
                raise UsageError(f"{kind} at {_place(kind)} says twice with {one.name}: leave one of them.")
            tags[one.name] = one.condition
        return Rule(
            str(kind),
            tuple(one.text for one in parts if isinstance(one, _Parameter)),
            next((one for one in parts if isinstance(one, Condition)), None),
            next((one.text for one in parts if isinstance(one, _Where)), None),
            tags,
            labels,
            _place(kind),
        )

    def parameter(self, value: Any) -> _Parameter:
        return _Parameter(str(value))

    def where(self, value: str) -> _Where:
        return _Where(value)

    def tag(self, name: Token, condition: Condition) -> _Tag:
        return _Tag(str(name), condition)

    def labels(self, labels: dict[str, str]) -> _Labels:
        return _Labels(labels)

    def label_list(self, *labels: tuple[str, str]) -> dict[str, str]:
        return dict(labels)

    def label(self, key: str, value: str) -> tuple[str, str]:
        if not key or len(key) > MAX_LABEL_KEY or len(value) > MAX_LABEL_VALUE:
            raise UsageError(
                f"The label {key!r} of the ruleset is not allowed: keys have 1 to {MAX_LABEL_KEY} characters, values "
                f"up to {MAX_LABEL_VALUE}."
            )
        return key, value

    # -- conditions ---------------------------------------------------------------------------------------------

    def compared(self, operator: Token, operand: Operand | str) -> Condition:
        negated = operator == "!="
        return Condition("=" if negated else str(operator), (_operand(operand),), negated)

    def equal(self, operand: Operand | str | tuple[Operand, ...]) -> Condition:
        return Condition("=", operand if isinstance(operand, tuple) else (_operand(operand),))

    def between(self, *parts: Any) -> Condition:
        return Condition("between", tuple(map(_operand, parts[-2:])), len(parts) == 3)

    def within(self, *parts: Any) -> Condition:
        values = parts[-1] if isinstance(parts[-1], tuple) else (parts[-1],)
        return Condition("in", tuple(map(_operand, values)), len(parts) == 2)

    def matching(self, *parts: Any) -> Condition:
        return Condition("matches", (Text(parts[-1]),), len(parts) == 2)

    def operands(self, *operands: Operand | str) -> tuple[Operand, ...]:
        return tuple(map(_operand, operands))

    def string_list(self, *values: str) -> list[str]:
        return [*values]

    # -- operands -----------------------------------------------------------------------------------------------

    def string(self, token: Token) -> str:
        return token[1:-1].replace('\\"', '"')

    def variable(self, name: Token) -> Any:
        if name not in self.constants:
            raise UsageError(f'${name} at {_place(name)} is not defined: write {name} = "…" before Rules.')
        return self.constants[str(name)]

    def number(self, token: Token) -> Number:
        return Number(float(token), str(token))

    def negative(self, operand: Operand) -> Operand:
        if isinstance(operand, Number):
            return Number(-operand.value, f"-{operand}")
        return Arithmetic("-", Number(0.0, "0"), operand)

    def parenthesis(self, operand: Operand) -> Operand:
        return operand if not isinstance(operand, Arithmetic) else Call("", (operand,))

    def arithmetic(self, left: Operand, operator: Token, right: Operand) -> Arithmetic:
        return Arithmetic(str(operator), left, right)

    def call(self, name: Token, *arguments: Operand) -> Call:
        return Call(str(name), arguments)

    def keyword(self, token: Token) -> Keyword:
        return Keyword(token.upper())

    def duration(self, amount: Token, unit: Token) -> Duration:
        return Duration(timedelta(**{str(unit): float(amount)}), f"{amount} {unit}")

    def size(self, amount: Token, unit: Token) -> Size:
        return Size(int(float(amount) * UNITS[str(unit)]), f"{amount} {unit}")

    def now(self, *parts: Token) -> Now:
        if not parts:
            return Now(timedelta(), "now()")
        sign, amount, unit = parts
        offset = timedelta(**{str(unit): float(amount)})
        return Now(offset if sign == "+" else -offset, f"(now() {sign} {amount} {unit})")


@dataclass(frozen=True)
class _Parameter:
    text: str


@dataclass(frozen=True)
class _Where:
    text: str


@dataclass(frozen=True)
class _Tag:
    name: str
    condition: Condition


@dataclass(frozen=True)
class _Labels:
    labels: dict[str, str]


def _composite(operator: str, parts: tuple[Rule | Composite, ...]) -> Composite:
    made = Composite(operator, parts, place=parts[0].place)
    if any(part.labels for part in parts):
        raise UsageError(
            f"{made} at {made.place} has labels within: put parentheses around it and the labels after them."
        )
    return made


def _operand(value: Operand | str) -> Operand:
    return Text(value) if isinstance(value, str) else value


def _place(token: Token) -> Place:
    return Place(token.line or 1, token.column or 1)
