"""From samples to tables: which folders are a table, which are its partitions, and what its schema is.

As AWS describes it ("How does a crawler determine when to create partitions?"): folders named ``key=value`` are
partitions of the folder above them; plain folders whose contents are alike, when most at their level are, become
partitions ``partition_0``, ``partition_1``, … of the folder above; everything else is a table of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain

from lakelet.catalog.crawlers.listing import Target
from lakelet.catalog.crawlers.schema import Column, Sample, Storage, Unreadable, settle, widest
from lakelet.data.formats import CSV, DataFormat
from lakelet.data.objects import StoredObject
from lakelet.data.partitions import parse_partition_path

SIMILAR = 0.7  # the share of columns that two schemas have in common, or of folders that are alike
_TOLERATED_ROWS = 0.1  # the share of a table's rows that files may hold whose types the others contradict

_SEEDS = 5

Path = tuple[str, ...]


@dataclass(frozen=True)
class FoundPartition:
    """One partition: its values in the order of the keys, its folder, and what lies there."""

    values: tuple[str, ...]
    location: str
    objects: int
    size: int


@dataclass(frozen=True)
class FoundTable:
    """One table as the crawl found it. ``size`` is in bytes as stored; ``records`` is None unless all were counted."""

    name: str
    location: str
    format: DataFormat
    columns: tuple[Column, ...]
    partition_keys: tuple[str, ...]
    partitions: tuple[FoundPartition, ...]
    objects: int
    size: int
    records: int | None
    record_size: int
    compression: str
    delimiter: str
    header_lines: int
    storage: Storage = field(default_factory=Storage)


@dataclass
class _File:
    """An object below a table's folder; ``values`` are those of its partition, ``folder`` that partition's path."""

    object: StoredObject
    sample: Sample | None
    keys: Path
    values: Path
    folder: Path


@dataclass
class _Group:
    """A folder that is to become a table, and everything below it."""

    root: Path
    files: list[_File] = field(default_factory=list)
    hive: bool = False

    @property
    def samples(self) -> list[Sample]:
        return [file.sample for file in self.files if file.sample]


def find_tables(
    target: Target,
    objects: Sequence[StoredObject],
    samples: Iterable[Sample | Unreadable],
    *,
    combine: bool = False,
    level: int | None = None,
) -> tuple[list[FoundTable], list[str]]:
    """The tables below a target, and a sentence about every object that does not fit in.

    ``objects`` are all that were listed, ``samples`` what reading (some of) them showed. ``combine`` and ``level`` are
    those of a :class:`~lakelet.catalog.crawlers.policy.Policy`.
    """
    notes: list[str] = []
    read: dict[str, Sample] = {}
    for sample in samples:
        if isinstance(sample, Unreadable):
            notes.append(f"{sample.object.uri} {sample.reason}: it says nothing about its table.")
        else:
            read[sample.object.key] = sample
            notes += [f"{sample.object.uri} {complaint}." for complaint in sample.complaints]
    groups: dict[Path, _Group] = {}
    for item in objects:
        _place(target, item, read.get(item.key), groups)
    if combine:
        _gather(groups, 0)
    elif level is not None:
        # The bucket is level 1, and every folder of the target's own path one more.
        _gather(groups, max(0, level - 1 - target.prefix.count("/")))
    else:
        _merge_siblings(groups)
    tables = []
    for root in sorted(groups):
        tables += _tables_of(target, groups[root], notes, combine=combine)
    return tables, notes


def _place(target: Target, item: StoredObject, sample: Sample | None, groups: dict[Path, _Group]) -> None:
    root, keys, values, folder = _place_of(target.relative(item).rpartition("/")[0])
    group = groups.setdefault(root, _Group(root))
    group.hive |= bool(keys)
    group.files.append(_File(item, sample, keys, values, folder))


@lru_cache(maxsize=1024)  # objects come in key order, so that those of a folder follow each other
def _place_of(path: str) -> tuple[Path, Path, Path, Path]:
    """Of a folder below a target: its table's folder, its partition's keys and values, and its partition's folder."""
    folders = path.split("/") if path else []
    first = next((index for index, folder in enumerate(folders) if "=" in folder[1:]), len(folders))
    root = tuple(folders[:first])
    pairs = parse_partition_path("/".join([*folders[first:], ""]))
    keys, values = tuple(key.lower() for key, _ in pairs), tuple(value for _, value in pairs)
    return root, keys, values, root + tuple(folders[first : first + len(pairs)])


def _gather(groups: dict[Path, _Group], depth: int) -> None:
    """Make what lies deeper than ``depth`` folders a part of the folder there; the folders between are partitions."""
    for root in [root for root in groups if len(root) > depth]:
        group = groups.pop(root)
        into = groups.setdefault(root[:depth], _Group(root[:depth]))
        into.hive |= group.hive
        plain = root[depth:]
        for file in group.files:
            keys = (*(f"partition_{index}" for index in range(len(plain))), *file.keys)
            into.files.append(replace(file, keys=keys, values=(*plain, *file.values)))


def _merge_siblings(groups: dict[Path, _Group]) -> None:
    """Turn plain folders that are alike into partitions of the folder above, from the deepest up."""
    for depth in range(max(map(len, groups), default=0), 0, -1):
        siblings: dict[Path, list[_Group]] = defaultdict(list)
        for root, group in groups.items():
            if len(root) == depth:
                siblings[root[:-1]].append(group)
        for parent, children in siblings.items():
            if parent not in groups and (alike := _most_alike(children)):
                merged = _Group(parent)
                for child in alike:
                    for file in child.files:
                        keys = tuple(f"partition_{index}" for index in range(len(file.keys) + 1))
                        folder = file.folder if file.keys else child.root
                        merged.files.append(
                            replace(file, keys=keys, values=(child.root[-1], *file.values), folder=folder)
                        )
                    del groups[child.root]
                groups[parent] = merged


def _most_alike(children: Sequence[_Group]) -> list[_Group]:
    """The plain folders with one schema and one depth of partitions, when they are most of the level; else none."""
    by_schema: dict[tuple[str, frozenset[str]], list[_Group]] = defaultdict(list)
    for child in children:
        if not child.hive and (samples := child.samples):
            by_schema[samples[0].format.name, samples[0].names].append(child)
    # If most are alike, one with a frequent schema is among them: no need to compare every one with every other.
    for one in [group[0] for group in sorted(by_schema.values(), key=len, reverse=True)[:_SEEDS]]:
        alike = [other for other in children if _group_similar(one, other)]
        if len(alike) >= max(2, SIMILAR * len(children)):
            return alike
    return []


def _group_similar(one: _Group, other: _Group) -> bool:
    mine, theirs = one.samples, other.samples
    return (
        not one.hive
        and not other.hive
        and bool(mine and theirs)
        and {len(file.keys) for file in one.files} == {len(file.keys) for file in other.files}
        and similar(max(mine, key=lambda sample: sample.rows), max(theirs, key=lambda sample: sample.rows))
    )


def similar(one: Sample, other: Sample) -> bool:
    """Whether two objects could belong to one table: one format (and delimiter), and columns mostly the same.

    CSV without a heading has no names to compare: then the number of columns decides.
    """
    if one.format is not other.format or one.delimiter != other.delimiter:
        return False
    if not (one.named and other.named):
        return len(one.columns) == len(other.columns)
    return len(one.names & other.names) >= SIMILAR * max(len(one.names), len(other.names))


def _compatible(one: Sample, other: Sample) -> bool:
    return one.format is other.format and one.delimiter == other.delimiter


def _tables_of(target: Target, group: _Group, notes: list[str], *, combine: bool) -> list[FoundTable]:
    """The table of a folder; or, where plain files lie that have little in common, one table per file."""
    samples = group.samples
    if not samples:
        return []
    fitting = _majority(samples, combine=combine)
    fits = {id(sample) for sample in fitting}
    strangers = [sample for sample in samples if id(sample) not in fits]
    mixed = len(fitting) < SIMILAR * len(samples)
    partitioned = any(file.keys for file in group.files)
    if mixed and not partitioned:
        return [_per_file(target, file) for file in group.files if file.sample]
    for stranger in strangers:
        notes.append(
            f"{stranger.object.uri} is {stranger.format.name} with other columns than most of its table; "
            "its schema was set aside."
        )
    keys = Counter(file.keys for file in group.files).most_common(1)[0][0]
    stray = [file for file in group.files if file.keys != keys]
    for file in stray:
        notes.append(f"{file.object.uri} is not in a folder {'/'.join(keys) or 'of the table'}; it was left out.")
    files = [file for file in group.files if file.keys == keys]
    fitting = [file.sample for file in files if file.sample and id(file.sample) in fits] or fitting
    name = group.root[-1] if group.root else target.name
    location = "/".join([target.uri.rstrip("/"), *group.root, ""])
    partitions = _partitions(target, files) if keys else ()
    return [_build(name, location, keys, partitions=partitions, files=files, samples=fitting)]


def _majority(samples: Sequence[Sample], *, combine: bool) -> list[Sample]:
    """The samples that are similar to each other and together hold most of the rows."""
    alike = _compatible if combine else similar
    clusters: list[list[Sample]] = []
    for sample in sorted(samples, key=lambda one: -one.rows):
        for cluster in clusters:
            if alike(cluster[0], sample):
                cluster.append(sample)
                break
        else:
            clusters.append([sample])
    return max(clusters, key=lambda cluster: sum(sample.rows for sample in cluster))


def _per_file(target: Target, file: _File) -> FoundTable:
    name = file.object.key.rpartition("/")[2]
    samples = [file.sample] if file.sample else []
    return _build(name, file.object.uri, (), partitions=(), files=[file], samples=samples)


def _partitions(target: Target, files: Sequence[_File]) -> tuple[FoundPartition, ...]:
    found: dict[Path, list[_File]] = defaultdict(list)
    for file in files:
        found[file.values].append(file)
    return tuple(
        FoundPartition(
            values,
            "/".join([target.uri.rstrip("/"), *inside[0].folder, ""]),
            len(inside),
            sum(file.object.size for file in inside),
        )
        for values, inside in found.items()
    )


def _build(
    name: str,
    location: str,
    keys: Path,
    *,
    partitions: tuple[FoundPartition, ...],
    files: Sequence[_File],
    samples: Sequence[Sample],
) -> FoundTable:
    rows = sum(sample.rows for sample in samples)
    complete = len(samples) == len(files) and all(sample.whole for sample in samples)
    main = max(samples, key=lambda sample: sample.rows)
    columns = _positional(samples) if main.format is CSV else _by_name(samples)
    return FoundTable(
        name=name,
        location=location,
        format=main.format,
        columns=_without_keys(columns, keys, positional=main.format is CSV),
        partition_keys=keys,
        partitions=partitions,
        objects=len(files),
        size=sum(file.object.size for file in files),
        records=rows if complete else None,
        record_size=round(sum(sample.size for sample in samples) / rows) if rows else 0,
        compression=main.compression,
        delimiter=main.delimiter,
        header_lines=main.header_lines,
        storage=main.storage,
    )


def _without_keys(columns: Sequence[Column], keys: Path, *, positional: bool) -> tuple[Column, ...]:
    """The columns beside the partition keys: a table cannot have the same name twice, and the key wins.

    A column that is read by its position cannot be left out without moving the others, so it gets another name.
    """
    if not positional:
        return tuple(column for column in columns if column.glue_name not in keys)
    taken = {*keys, *(column.glue_name for column in columns)}
    renamed = []
    for column in columns:
        name, number = column.name, 0
        while column.glue_name in keys and name.lower() in taken:
            number += 1
            name = f"{column.name}_{number}"
        renamed.append(replace(column, name=name))
    return tuple(renamed)


def _by_name(samples: Sequence[Sample]) -> list[Column]:
    """Every column of every object, in the order of the first that has it."""
    order = {column.glue_name: column.name for sample in samples for column in sample.columns}
    by_sample = [({column.glue_name: column for column in sample.columns}, sample.rows) for sample in samples]
    return [
        _agreed(original, [(known[name], rows) for known, rows in by_sample if name in known])
        for name, original in order.items()
    ]


def _positional(samples: Sequence[Sample]) -> list[Column]:
    """CSV columns count by position: the names most rows have, and what files with more columns add behind them."""
    named = [sample for sample in samples if sample.named] or list(samples)
    headings: Counter[Path] = Counter()
    for sample in named:
        headings[tuple(column.glue_name for column in sample.columns)] += sample.rows
    heading = headings.most_common(1)[0][0]
    heading = max((one for one in headings if one[: len(heading)] == heading), key=len)
    fitting = [
        sample
        for sample in samples
        if (not sample.named and len(sample.columns) == len(heading))
        or (sample.named and heading[: len(sample.columns)] == tuple(column.glue_name for column in sample.columns))
    ]
    original = {column.glue_name: column.name for column in chain.from_iterable(sample.columns for sample in fitting)}
    return [
        _agreed(
            original.get(name, name),
            [(sample.columns[index], sample.rows) for sample in fitting if index < len(sample.columns)],
        )
        for index, name in enumerate(heading)
    ]


def _agreed(name: str, columns: Sequence[tuple[Column, int]]) -> Column:
    """One column of many objects: the types that hold nearly all rows, widened into one."""
    rows: dict[str, int] = {}
    for column, count in columns:
        kind = column.type if isinstance(column.type, str) else type(column.type).__name__
        if kind:
            # Numbers agree with each other: a bigint here and a double there are no accident but a double.
            family = "number" if kind in ("int", "bigint", "double") else kind
            rows[family] = rows.get(family, 0) + count
    kept = set(settle(rows, _TOLERATED_ROWS))
    if "number" in kept:
        kept |= {"int", "bigint", "double"}
    return Column(
        name,
        widest(
            column.type
            for column, _ in columns
            if (column.type if isinstance(column.type, str) else type(column.type).__name__) in kept
        ),
    )
