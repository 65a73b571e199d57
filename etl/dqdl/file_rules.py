"""Rules about objects: FileFreshness, FileSize, FileMatch and FileUniqueness, by listings and by checksums."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lakelet.data.objects import StoredObject, list_objects, s3_client
from lakelet.data.zones import split_uri
from lakelet.etl.dqdl.conditions import meets, plain_numbers
from lakelet.etl.dqdl.measures import Values
from lakelet.etl.dqdl.plans import Data, Past, Plan, Verdict, compliance, failed, judged
from lakelet.etl.dqdl.ruleset import Now, Operand, Rule, as_date, as_number, as_time
from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import Workspace

_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256"}
_FILTERS = ("recentFiles", "uriRegex")
_CHUNK = 1 << 20
_COUNT = "Dataset.*.FileCount"


def file_freshness(data: Data, rule: Rule) -> Plan:
    """FileFreshness: when each object was last written."""
    condition, zone = rule.condition, _zone(rule)
    assert condition is not None  # noqa: S101 - rule_types has checked it
    moments = [moment(one, zone).timestamp() for one in condition.operands]

    def fresh(stored: StoredObject) -> bool:
        assert stored.modified is not None  # noqa: S101 - listings have it
        return meets(condition, stored.modified.timestamp(), moments)

    return _of_files(data, rule, "FileFreshness", fresh)


def file_size(data: Data, rule: Rule) -> Plan:
    """FileSize: the bytes of each object."""
    condition = rule.condition
    assert condition is not None  # noqa: S101 - rule_types has checked it
    sizes = plain_numbers(condition)
    return _of_files(data, rule, "FileSize", lambda stored: meets(condition, stored.size, sizes))


def file_match(data: Data, rule: Rule) -> Plan:
    """FileMatch: the contents of objects against checksums, or against those of another path."""
    files = _files(data.workspace, rule, rule.parameters[0])
    if not files:
        return _no_files(rule)
    metrics = {_COUNT: float(len(files))}
    if len(rule.parameters) == 2:
        others = _files(data.workspace, rule, rule.parameters[1])
        by_name = _tag(rule, "matchFileName", "false") == "true"
        mine, theirs = (
            Counter((_name(one) if by_name else "", _checksum(data.workspace, one, "sha256")) for one in side)
            for side in (files, others)
        )
        reason = None if mine == theirs else f"{' and '.join(rule.parameters)} do not hold the same files."
        return Plan(rule, lambda values, past: Verdict(mine == theirs, reason, metrics, str(rule)))
    algorithm = _tag(rule, "hashAlgorithm", "SHA-256")
    if algorithm not in _ALGORITHMS:
        raise UsageError(f"{rule} at {rule.place} hashes by {algorithm}: use one of {', '.join(_ALGORITHMS)}.")
    assert rule.condition is not None  # noqa: S101 - rule_types has checked it
    known = {str(getattr(one, "value", one)).lower() for one in rule.condition.operands}
    sums = {one.uri: _checksum(data.workspace, one, _ALGORITHMS[algorithm]) for one in files}
    wrong = [f"{uri} ({told})" for uri, told in sums.items() if (told in known) is rule.condition.negated]
    reason = f"Checksums that are not as the rule says: {', '.join(wrong)}" if wrong else None
    return Plan(rule, lambda values, past: Verdict(not wrong, reason, metrics, str(rule)))


def file_uniqueness(data: Data, rule: Rule) -> Plan:
    """FileUniqueness: the share of the objects whose content (and name, with matchFileName) is there once."""
    files = _files(data.workspace, rule, rule.parameters[0])
    if not files:
        return _no_files(rule)
    sums = [_checksum(data.workspace, one, "sha256") for one in files]
    contents, names = Counter(sums), Counter(map(_name, files))
    by_name = _tag(rule, "matchFileName", "false") == "true"
    unique = sum(
        contents[told] == 1 and (not by_name or names[_name(one)] == 1) for one, told in zip(files, sums, strict=True)
    )
    metrics = {_COUNT: float(len(files))}
    share = unique / len(files)
    return Plan(rule, lambda v, past: judged(rule, "Dataset.*.FileUniquenessRatio", share, past, metrics=metrics))


def _of_files(data: Data, rule: Rule, what: str, passes: Callable[[StoredObject], bool]) -> Plan:
    files = _files(data.workspace, rule, rule.parameters[0])
    if not files:
        return _no_files(rule)
    wrong = [one.uri for one in files if not passes(one)]
    share, metric = 1 - len(wrong) / len(files), f"Dataset.*.{what}.Compliance"
    metrics = {_COUNT: float(len(files))}
    if what == "FileSize":
        sizes = [one.size for one in files]
        metrics |= {"Dataset.*.MaximumFileSize": float(max(sizes)), "Dataset.*.MinimumFileSize": float(min(sizes))}

    def judge(values: Values, past: Past) -> Verdict:
        if wrong and _tag(rule, "failFast", "false") == "true":
            return Verdict(False, f"{wrong[0]} does not meet the condition.", metrics, str(rule))
        if rule.threshold is not None:
            return judged(
                rule, metric, share, past, condition=rule.threshold, metrics=metrics, words=compliance
            )  # fmt: skip
        reason = f"{compliance(share)}: {', '.join(wrong[:5])}" if wrong else None
        return Verdict(not wrong, reason, {metric: share, **metrics}, str(rule))

    return Plan(rule, judge)


def _no_files(rule: Rule) -> Plan:
    return failed(rule, f"No files are left at {rule.parameters[0]}.")


def _files(workspace: Workspace, rule: Rule, path: str) -> list[StoredObject]:
    """The objects of a path, an object or a folder, that the rule's tags leave."""
    bucket, key = split_uri(path)
    found = list(list_objects(s3_client(workspace), bucket, key))
    if key and not key.endswith("/"):
        found = [one for one in found if one.key == key] or [one for one in found if one.key.startswith(f"{key}/")]
    order = [str(getattr(one, "value", one)) for one in _operands(rule, "filterOrder")] or list(_FILTERS)
    known = [name for name in _FILTERS if name in rule.tags or "filterOrder" not in rule.tags]
    if unknown := [name for name in order if name not in known]:
        raise UsageError(f"{rule} at {rule.place} orders {', '.join(unknown)}: name filters that the rule has.")
    for name in (name for name in order if name in rule.tags):
        found = _recent(rule, found) if name == "recentFiles" else _matching(rule, found)
    return found


def _recent(rule: Rule, files: Sequence[StoredObject]) -> list[StoredObject]:
    count = as_number(_operands(rule, "recentFiles")[0])
    if not count or count < 1:
        raise UsageError(f"{rule} at {rule.place} has recentFiles: give a number from 1.")
    return sorted(files, key=lambda one: one.modified or datetime.min.replace(tzinfo=UTC), reverse=True)[: int(count)]


def _matching(rule: Rule, files: Sequence[StoredObject]) -> list[StoredObject]:
    text = _tag(rule, "uriRegex", "")
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UsageError(f"{rule} at {rule.place} has no regular expression in uriRegex: {error}.") from None
    # AWS's example of excluding, `(?!.*\.tmp$).*`, means something at the beginning only; `\.csv$` anywhere.
    looks = pattern.match if text.startswith("(?") else pattern.search
    return [one for one in files if looks(one.uri)]


def _operands(rule: Rule, tag: str) -> tuple[Operand, ...]:
    condition = rule.tags.get(tag)
    return condition.operands if condition else ()


def _tag(rule: Rule, name: str, default: str) -> str:
    told = _operands(rule, name)
    return str(getattr(told[0], "value", told[0])) if told else default


def _zone(rule: Rule) -> ZoneInfo:
    name = _tag(rule, "timeZone", "UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise UsageError(f"{rule} at {rule.place} names the time zone {name}: use one as Europe/Paris.") from None


def moment(operand: Operand, zone: ZoneInfo) -> datetime:
    """``now()``, a day at 0:00 UTC, or a time of today in a zone."""
    if isinstance(operand, Now):
        return datetime.now(UTC) + operand.offset
    if (time := as_time(operand)) is not None:
        return datetime.combine(datetime.now(zone).date(), time, zone)
    day = as_date(operand)
    assert day is not None  # noqa: S101 - rule_types has checked it
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _name(stored: StoredObject) -> str:
    return stored.key.rpartition("/")[2]


def _checksum(workspace: Workspace, stored: StoredObject, algorithm: str) -> str:
    body: Any = s3_client(workspace).get_object(Bucket=stored.bucket, Key=stored.key)["Body"]
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for chunk in body.iter_chunks(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
