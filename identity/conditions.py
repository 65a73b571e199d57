"""Conditions of policy statements, and the variables in their values.

Source: AWS IAM User Guide, "IAM JSON policy elements: Condition operators", "Conditions with multiple context keys or
values" and "Policy variables". A context holds, under a key's name in lower case, the values that the request has.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from lakelet.identity.patterns import ANY, Pattern, Token, matches, pattern

Context = Mapping[str, tuple[str, ...]]

_VARIABLE = re.compile(r"\$\{\s*([^},]*?)\s*(?:,\s*'([^'}]*)'\s*)?\}")
_ESCAPES = {"*": "*", "?": "?", "$": "$"}
_NUMBER = re.compile(r"[-+]?[0-9]{1,30}(\.[0-9]{1,30})?")
_EPOCH = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True)
class Condition:
    """One operator on one key: ``ForAllValues:StringLikeIfExists`` is quantifier, operator and ``if_exists``."""

    quantifier: str
    operator: str
    if_exists: bool
    key: str
    values: tuple[str, ...]

    @property
    def name(self) -> str:
        """The operator as policies write it."""
        prefix = f"{self.quantifier}:" if self.quantifier else ""
        return f"{prefix}{self.operator}{'IfExists' if self.if_exists else ''}"

    @property
    def negated(self) -> bool:
        """Whether it holds for what is unlike its values."""
        return "Not" in self.operator

    def holds(self, context: Context, variables: bool = True) -> bool:
        """Whether the request satisfies the condition; ``variables``: whether its values may hold some."""
        sent = context.get(self.key.lower())
        if self.operator == "Null":
            return any((sent is None) == (value.lower() == "true") for value in self.values)
        if not sent:
            # An absent key is unlike any value, satisfies "IfExists", and is all of its values.
            if self.quantifier == "ForAnyValue":
                return False
            return self.if_exists or self.negated or self.quantifier == "ForAllValues"
        compare = OPERATORS[self.operator]
        wanted = [found for value in self.values if (found := substitute(value, context, variables)) is not None]
        like = [any(compare(value, one) for value in wanted) for one in sent]
        if self.quantifier == "ForAllValues":
            return not any(like) if self.negated else all(like)
        if self.quantifier == "ForAnyValue":
            return not all(like) if self.negated else any(like)
        return not any(like) if self.negated else any(like)


def substitute(text: str, context: Context, variables: bool = True) -> Pattern | None:
    """The pattern that a text with variables makes in a context; None when a variable has no (one) value.

    ``${*}``, ``${?}`` and ``${$}`` are those characters themselves; ``${key, 'else'}`` has a default.
    """
    if not variables or "${" not in text:
        return pattern(text)
    tokens: list[Token] = []
    end = 0
    for found in _VARIABLE.finditer(text):
        tokens += pattern(text[end : found.start()])
        end = found.end()
        if (literal := _ESCAPES.get(found[1])) is not None:
            tokens.append(literal)
            continue
        values = context.get(found[1].lower(), ())
        value = values[0] if len(values) == 1 else found[2]
        if value is None:
            return None
        tokens += value
    return (*tokens, *pattern(text[end:]))


def variables_in(texts: Iterable[str]) -> list[str]:
    """The names of the variables that the texts hold, escapes aside."""
    names = [found[1] for text in texts for found in _VARIABLE.finditer(text)]
    return [name for name in names if name not in _ESCAPES]


def text_of(tokens: Pattern) -> str:
    """A pattern's characters, its wildcards as they are written."""
    return "".join(token if isinstance(token, str) else token.value for token in tokens)


def _equals(wanted: Pattern, sent: str) -> bool:
    return text_of(wanted) == sent


def _equals_ignoring_case(wanted: Pattern, sent: str) -> bool:
    return text_of(wanted).casefold() == sent.casefold()


def _number(test: Callable[[Decimal, Decimal], bool]) -> Callable[[Pattern, str], bool]:
    def compare(wanted: Pattern, sent: str) -> bool:
        written = text_of(wanted)
        if not (_NUMBER.fullmatch(written) and _NUMBER.fullmatch(sent)):
            return False
        try:
            return test(Decimal(sent), Decimal(written))
        except InvalidOperation:
            return False

    return compare


def _date(test: Callable[[datetime, datetime], bool]) -> Callable[[Pattern, str], bool]:
    def compare(wanted: Pattern, sent: str) -> bool:
        left, right = _moment(sent), _moment(text_of(wanted))
        return left is not None and right is not None and test(left, right)

    return compare


def _moment(text: str) -> datetime | None:
    try:
        if _EPOCH.fullmatch(text):
            return datetime.fromtimestamp(int(text), UTC)
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _bool(wanted: Pattern, sent: str) -> bool:
    return text_of(wanted).lower() == sent.lower() and sent.lower() in ("true", "false")


def _address(wanted: Pattern, sent: str) -> bool:
    try:
        return ipaddress.ip_address(sent) in ipaddress.ip_network(text_of(wanted), strict=False)
    except (ValueError, TypeError):
        return False


def _arn(wanted: Pattern, sent: str) -> bool:
    """Each of the six parts of an ARN is matched apart, so that no wildcard spans a colon but in the last."""
    if wanted == (ANY,):
        return True
    parts: list[list[Token]] = [[]]
    for one in wanted:
        if one == ":" and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append(one)
    sent_parts = sent.split(":", 5)
    return len(parts) == len(sent_parts) == 6 and all(
        matches(tuple(part), text) for part, text in zip(parts, sent_parts, strict=True)
    )


OPERATORS: Mapping[str, Callable[[Pattern, str], bool]] = {
    "StringEquals": _equals,
    "StringNotEquals": _equals,
    "StringEqualsIgnoreCase": _equals_ignoring_case,
    "StringNotEqualsIgnoreCase": _equals_ignoring_case,
    "StringLike": matches,
    "StringNotLike": matches,
    "NumericEquals": _number(lambda sent, wanted: sent == wanted),
    "NumericNotEquals": _number(lambda sent, wanted: sent == wanted),
    "NumericLessThan": _number(lambda sent, wanted: sent < wanted),
    "NumericLessThanEquals": _number(lambda sent, wanted: sent <= wanted),
    "NumericGreaterThan": _number(lambda sent, wanted: sent > wanted),
    "NumericGreaterThanEquals": _number(lambda sent, wanted: sent >= wanted),
    "DateEquals": _date(lambda sent, wanted: sent == wanted),
    "DateNotEquals": _date(lambda sent, wanted: sent == wanted),
    "DateLessThan": _date(lambda sent, wanted: sent < wanted),
    "DateLessThanEquals": _date(lambda sent, wanted: sent <= wanted),
    "DateGreaterThan": _date(lambda sent, wanted: sent > wanted),
    "DateGreaterThanEquals": _date(lambda sent, wanted: sent >= wanted),
    "Bool": _bool,
    "BinaryEquals": _equals,
    "IpAddress": _address,
    "NotIpAddress": _address,
    "ArnEquals": _arn,
    "ArnLike": _arn,
    "ArnNotEquals": _arn,
    "ArnNotLike": _arn,
    "Null": _bool,
}
"""What each operator compares: a value of the policy with one of the request. ``…Not…`` compare as their opposites
do, and hold when nothing compares."""
