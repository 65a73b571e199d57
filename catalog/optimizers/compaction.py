"""Compaction by bin-packing: small data files of a partition become large ones, and pending deletes are applied.

AWS Glue Developer Guide, "Compaction optimizer"; Apache Iceberg, "Maintenance" (rewrite data files). PyIceberg commits
what it has rewritten only if nobody has written to the table meanwhile; then the files are looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from lakelet.workspace.errors import LakeletError

if TYPE_CHECKING:
    from pyiceberg.table import FileScanTask, Table

SMALL = 0.75  # of the target size: what is smaller is packed
MOST_BYTES = 128 * 1024 * 1024  # that are packed at once, for they are read into memory
_MIN_INPUT_FILES = 100
_MIN_DELETES = 1
_ATTEMPTS = 5
_TARGET, _TARGET_DEFAULT = "write.target-file-size-bytes", 512 * 1024 * 1024


def compact(table: Table, options: Mapping[str, Any]) -> dict[str, int]:
    """Pack a table's files as the options say (IcebergCompactionConfiguration), and commit each pack.

    Returns how many files and bytes were rewritten. Raises LakeletError when PyIceberg cannot read or rewrite them, or
    others commit each time.
    """
    from pyiceberg.exceptions import CommitFailedException, ValidationException

    counted = {"NumberOfFilesCompacted": 0, "NumberOfBytesCompacted": 0}
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            for pack in _packs(table, options):
                _rewrite(table, pack)
                counted["NumberOfFilesCompacted"] += len(pack)
                counted["NumberOfBytesCompacted"] += sum(task.file.file_size_in_bytes for task in pack)
            break
        except (CommitFailedException, ValidationException) as error:
            if attempt == _ATTEMPTS:
                raise LakeletError(f"Others wrote to the table whenever its files were compacted: {error}.") from error
            table.refresh()
        except (ValueError, NotImplementedError) as error:  # deletes of a kind that PyIceberg does not read, say
            raise LakeletError(f"The files of the table cannot be compacted: {error}.") from error
    return counted


def _packs(table: Table, options: Mapping[str, Any]) -> Iterator[Sequence[FileScanTask]]:
    """The files that are to be rewritten together: of one partition, and of no more bytes than are wanted in a file."""
    target = int(table.metadata.properties.get(_TARGET, _TARGET_DEFAULT))
    fewest = int(options.get("minInputFiles", _MIN_INPUT_FILES))
    deletes = int(options.get("deleteFileThreshold", _MIN_DELETES))
    tasks = sorted(table.scan().plan_files(), key=_place)
    for _, group in groupby(tasks, _place):
        files = list(group)
        small = [one for one in files if one.file.file_size_in_bytes < target * SMALL]
        chosen = small if len(small) >= fewest else []
        chosen += [one for one in files if len(one.delete_files) >= deletes and one not in chosen]
        for pack in _binned(chosen, min(target, MOST_BYTES)):
            if len(pack) > 1 or pack[0].delete_files:
                yield pack


def _place(task: FileScanTask) -> tuple[int, str]:
    return task.file.spec_id, repr(task.file.partition)


def _binned(tasks: Sequence[FileScanTask], most: int) -> Iterator[Sequence[FileScanTask]]:
    pack: list[FileScanTask] = []
    size = 0
    for task in tasks:
        if pack and size + task.file.file_size_in_bytes > most:
            yield pack
            pack, size = [], 0
        pack.append(task)
        size += task.file.file_size_in_bytes
    if pack:
        yield pack


def _rewrite(table: Table, pack: Sequence[FileScanTask]) -> None:
    from pyiceberg.expressions import AlwaysTrue
    from pyiceberg.io.pyarrow import ArrowScan, _dataframe_to_data_files

    rows = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue()).to_table(pack)
    with table.transaction() as transaction, transaction.update_snapshot().overwrite() as update:
        for task in pack:
            update.delete_data_file(task.file)
        if rows.num_rows:
            for file in _dataframe_to_data_files(table.metadata, rows, table.io):
                update.append_data_file(file)
