"""Iceberg targets: folders below the paths that hold the metadata of a table ("Crawler target", AWS Glue Web API)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakelet.catalog.crawlers.listing import glob_pattern
from lakelet.catalog.iceberg.metadata import read, version_of
from lakelet.data.zones import split_uri, uri
from lakelet.workspace.errors import InvalidInputException, NotImplementedException

if TYPE_CHECKING:
    from pyiceberg.table.metadata import TableMetadata

DEFAULT_DEPTH, MOST_DEPTH = 10, 20
_MEMBERS = frozenset({"Paths", "Exclusions", "MaximumTraversalDepth"})
_METADATA = "metadata/"


@dataclass(frozen=True)
class IcebergTarget:
    """One path of a target: its bucket and folder ("" or "path/"), what is left out, and how many folders below the
    path a table's metadata folder is looked for (1: the path is the table's own folder)."""

    bucket: str
    prefix: str
    exclusions: tuple[re.Pattern[str], ...] = ()
    depth: int = DEFAULT_DEPTH

    @classmethod
    def all_of(cls, target: Mapping[str, Any]) -> list[IcebergTarget]:
        """The paths of a Glue IcebergTarget. Raises InvalidInputException, NotImplementedException for a member."""
        if unknown := sorted(target.keys() - _MEMBERS):
            raise NotImplementedException(f"An IcebergTarget is served without {', '.join(unknown)}: leave it out.")
        depth = target.get("MaximumTraversalDepth", DEFAULT_DEPTH)
        if not 1 <= depth <= MOST_DEPTH:
            raise InvalidInputException(f"MaximumTraversalDepth is {depth}, but it must be 1 to {MOST_DEPTH}.")
        if not target.get("Paths"):
            raise InvalidInputException("An IcebergTarget has no Paths: write s3://bucket/path.")
        globs = tuple(glob_pattern(one) for one in target.get("Exclusions") or ())
        found = []
        for path in target["Paths"]:
            bucket, key = split_uri(path)
            found.append(cls(bucket, key if not key or key.endswith("/") else f"{key}/", globs, depth))
        return found

    @property
    def uri(self) -> str:
        return uri(self.bucket, self.prefix)

    def excludes(self, folder: str) -> bool:
        """Whether a folder below the path is left out."""
        relative = folder[len(self.prefix) :]
        return any(one.fullmatch(relative) or one.fullmatch(relative.rstrip("/")) for one in self.exclusions)


@dataclass(frozen=True)
class FoundIceberg:
    """One Iceberg table: the folder that it lies in, its newest metadata file, and what that says."""

    folder: str
    metadata_location: str
    metadata: TableMetadata

    @property
    def name(self) -> str:
        return self.folder.rstrip("/").rpartition("/")[2]


def find_iceberg(client: Any, target: IcebergTarget, note: Callable[[str], None]) -> Iterator[FoundIceberg]:
    """The tables below a target's path; ``note`` is told of metadata that cannot be read."""
    level = [target.prefix]
    for _ in range(target.depth):
        below: list[str] = []
        for folder in level:
            children = [child for child in _folders(client, target.bucket, folder) if not target.excludes(child)]
            newest = _newest(client, target.bucket, folder) if folder + _METADATA in children else None
            if newest is None:
                below += children
                continue
            location = uri(target.bucket, newest)
            try:
                content: bytes = client.get_object(Bucket=target.bucket, Key=newest)["Body"].read()
                yield FoundIceberg(uri(target.bucket, folder), location, read(content, location))
            except InvalidInputException as error:
                note(str(error))
        level = below


def _folders(client: Any, bucket: str, folder: str) -> list[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder, Delimiter="/")
    return [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", ())]


def _newest(client: Any, bucket: str, folder: str) -> str | None:
    """The key of the metadata file with the highest number in a table's folder; of several, the latest written."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder + _METADATA, Delimiter="/")
    found = [
        (number, item["LastModified"], item["Key"])
        for page in pages
        for item in page.get("Contents", ())
        if (number := version_of(item["Key"])) is not None
    ]
    return max(found)[2] if found else None
