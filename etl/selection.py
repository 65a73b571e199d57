"""Which objects a source reads: AWS's options that leave some of them out.

"Amazon S3 connections" and "Reading input files in larger groups" (AWS Glue Developer Guide). Grouping is Spark's own
work: it reads small files together whatever ``groupFiles`` says.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import translate
from typing import Any

from lakelet.data.objects import StoredObject
from lakelet.etl.errors import UnsupportedError, refuse_unknown
from lakelet.etl.options import whole
from lakelet.workspace.errors import UsageError

# What has nothing to act on here; docs/awsglue.md says why of each.
WITHOUT_EFFECT = frozenset({
    "groupFiles", "groupSize", "useS3ListImplementation", "maxBand", "maxFilesInBand", "jobBookmarkKeys",
    "jobBookmarkKeysSortOrder",
})  # fmt: skip
SELECTING = frozenset({"exclusions", "excludeStorageClasses", "boundedFiles", "boundedSize", "compressionType"})
SELECTION_OPTIONS = WITHOUT_EFFECT | SELECTING
SAMPLE_OPTIONS = frozenset({"maxSamplePartitions", "maxSampleFilesPerPartition"})
_SUFFIXES = {"gzip": ".gz", "bzip2": ".bz2"}


@dataclass(frozen=True)
class SampleOptions:
    """Of how many partitions (folders), and of how many files of each, a sample is taken; None: of all."""

    partitions: int | None = None
    files: int | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any] | None) -> SampleOptions:
        """From AWS's ``sample_options``; raises UnsupportedError, UsageError."""
        given = dict(options or {})
        refuse_unknown(given, SAMPLE_OPTIONS, "A sample")
        return cls(_limit(given, "maxSamplePartitions"), _limit(given, "maxSampleFilesPerPartition"))


@dataclass(frozen=True)
class Selection:
    """What a source leaves out: patterns of names, storage classes, what is beyond a number of files or of bytes."""

    exclusions: tuple[re.Pattern[str], ...] = ()
    storage_classes: frozenset[str] = frozenset()
    files: int | None = None
    size: int | None = None
    sample: SampleOptions = SampleOptions()

    @classmethod
    def of(cls, options: Mapping[str, Any], sample: SampleOptions | None = None) -> Selection:
        """From connection_options or additional_options, whose other members are somebody else's.

        Raises UsageError for a value that cannot be, UnsupportedError for a compression that names do not tell.
        """
        if options.get("groupFiles") not in (None, "none", "inPartition", "acrossPartition"):
            raise UsageError(f"groupFiles is {options['groupFiles']!r}: use none or inPartition.")
        return cls(
            tuple(re.compile(_glob(one)) for one in listed(options, "exclusions")),
            frozenset(listed(options, "excludeStorageClasses")),
            _limit(options, "boundedFiles"),
            _limit(options, "boundedSize"),
            sample or SampleOptions(),
        )

    @property
    def selects(self) -> bool:
        """Whether anything can be left out."""
        return self != Selection()

    def of_objects(self, stored: Iterable[StoredObject]) -> list[StoredObject]:
        """The objects that are read, in their order."""
        kept: list[StoredObject] = []
        size = 0
        for one in stored:
            if one.storage_class in self.storage_classes or any(glob.match(one.uri) for glob in self.exclusions):
                continue
            if (self.files is not None and len(kept) >= self.files) or (
                self.size is not None and kept and size + one.size > self.size
            ):
                break
            size += one.size
            kept.append(one)
        return self._sampled(kept)

    def _sampled(self, stored: list[StoredObject]) -> list[StoredObject]:
        taken: Counter[str] = Counter()
        kept = []
        for one in stored:
            folder = one.uri.rpartition("/")[0]
            new = folder not in taken
            if (new and self.sample.partitions is not None and len(taken) >= self.sample.partitions) or (
                self.sample.files is not None and taken[folder] >= self.sample.files
            ):
                continue
            taken[folder] += 1
            kept.append(one)
        return kept


def check_compression(options: Mapping[str, Any], stored: Iterable[StoredObject]) -> None:
    """Refuse a ``compressionType`` that objects' names do not have: Spark goes by them. Raises UnsupportedError."""
    kind = options.get("compressionType") or "none"
    if kind not in ("none", *_SUFFIXES):
        raise UsageError(f"compressionType is {kind!r}: use gzip, bzip2 or none.")
    suffix = _SUFFIXES.get(kind, "")
    if other := next((one for one in stored if not one.key.endswith(suffix)), None):
        raise UnsupportedError(f"compressionType is {kind} and {other.uri} does not end in {suffix}: rename it.")


def listed(options: Mapping[str, Any], name: str) -> list[str]:
    """A list, or JSON text of one, as AWS writes it. Raises UsageError for anything else."""
    given = options.get(name) or []
    try:
        found = json.loads(given) if isinstance(given, str) else list(given)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise UsageError(f"{name} is {given!r}: give a list of texts, or JSON of one.")
    return found


def _limit(options: Mapping[str, Any], name: str) -> int | None:
    return None if options.get(name) in (None, "") else whole(options, name, 1)


def _glob(pattern: str) -> str:
    """A regular expression of a glob over a whole URI: ``**`` goes through folders, ``*`` and ``?`` do not."""
    parts = re.split(r"(\*\*|\*|\?|\[[^\]]*\]|\{[^}]*\})", pattern)
    words = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    made = []
    for part in parts:
        if part.startswith("{"):
            made.append("(?:" + "|".join(re.escape(one) for one in part[1:-1].split(",")) + ")")
        elif part.startswith("["):
            made.append(translate(part)[4:-3])
        else:
            made.append(words.get(part) or re.escape(part))
    start = "" if pattern.startswith(("s3://", "**")) else "(?:.*/)?"
    return f"{start}{''.join(made)}$"
