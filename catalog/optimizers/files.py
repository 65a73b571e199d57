"""The files that an Iceberg table's snapshots are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.table.snapshots import Snapshot


@dataclass
class Files:
    """Locations, by what is in the files."""

    lists: set[str] = field(default_factory=set)
    manifests: set[str] = field(default_factory=set)
    data: set[str] = field(default_factory=set)  # and delete files

    def without(self, others: Files) -> Files:
        """Those of these that are not among the others."""
        return Files(self.lists - others.lists, self.manifests - others.manifests, self.data - others.data)

    def __iter__(self) -> Iterator[str]:
        return iter([*self.data, *self.manifests, *self.lists])


def files_of(snapshots: Iterable[Snapshot], io: FileIO, *, live: bool = True) -> Files:
    """The files of snapshots; with ``live``, of data those alone that are read, else what they deleted as well."""
    found = Files()
    for snapshot in snapshots:
        found.lists.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(io):
            if manifest.manifest_path in found.manifests:
                continue
            found.manifests.add(manifest.manifest_path)
            entries = manifest.fetch_manifest_entry(io, discard_deleted=live)
            found.data.update(entry.data_file.file_path for entry in entries)
    return found
