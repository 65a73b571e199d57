"""The objects that a read on Sail is of: what lies at its paths, in S3 or on this machine, and what is in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakelet.data.objects import StoredObject, list_objects, s3_client
from lakelet.data.partitions import parse_partition_path
from lakelet.data.zones import S3, split_uri
from lakelet.etl.sail.file_options import lowered
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

LISTINGS = 16  # at once
BEGINNING = 1 << 20  # bytes of an object, where there would be quotes if there are any
_CODECS = {"gz": "gzip", "bz2": "bz2", "zst": "zstd"}  # by the ends of objects' names


@dataclass(frozen=True)
class Objects:
    """What lies at the paths of a read: by path the objects, named from there on, and their sizes in bytes."""

    workspace: Workspace
    found: Mapping[str, Mapping[str, int]]
    chosen: Sequence[str]  # the folders and objects of them that Sail is to read

    @property
    def names(self) -> list[str]:
        """Those from a folder on; an object that is read by its own path has no folders."""
        return [
            one.rpartition("/")[2] if path.startswith(S3) and split_uri(path)[1] == one else one
            for path, inside in self.found.items()
            for one in inside
        ]

    @property
    def size(self) -> int:
        return sum(sum(inside.values()) for inside in self.found.values())

    def keys(self, options: Mapping[str, str]) -> list[str]:
        """The keys of partitions that the objects lie in."""
        if lowered(options).get("recursivefilelookup") == "true":
            return []
        return list(dict.fromkeys(key for one in self.names for key, _ in parse_partition_path(one)))

    def addresses(self) -> list[str]:
        """The objects that Spark reads, in its order: their URIs, or paths on this machine."""
        places = {one if one.startswith(S3) else local_path(one) for one in self.chosen}
        folders = tuple(f"{one}/" for one in places)
        names = {_join(path, name): name for path, inside in self.found.items() for name in inside}
        inside = [one for one in names if one in places or one.startswith(folders)]
        return sorted([one for one in inside if is_read(names[one])] or inside or names)

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """What is in each of the objects, without its compression."""
        import pyarrow as pa

        for one in self.addresses():
            content = self._bytes(one)
            if codec := _codec(one):
                content = pa.CompressedInputStream(pa.BufferReader(content), codec).read()
            yield one, content

    def begin_with(self, sign: bytes) -> bool:
        """Whether a sign is in the beginnings of the objects, of many in those of some, or may be, where one is
        compressed.
        """
        found = self.addresses()
        some = found[:: -(-len(found) // LISTINGS)]
        return any(map(_codec, found)) or any(sign in self._bytes(one, BEGINNING) for one in some)

    def _bytes(self, address: str, most: int = -1) -> bytes:
        """What is in an object; with ``most`` no more bytes than that."""
        if not address.startswith(S3):
            with Path(address).open("rb") as file:
                return file.read(most)
        bucket, key = split_uri(address)
        with closing(_client(self.workspace).get_object(Bucket=bucket, Key=key)["Body"]) as body:
            return bytes(body.read(None if most < 0 else most))

    @cached_property
    def end_of_first(self) -> bytes:
        """The footer of the first of the Parquet objects, as Spark orders them, as a file that has no rows."""
        first = self.addresses()[0]
        if not first.startswith(S3):
            return Path(first).read_bytes()
        bucket, key = split_uri(first)
        get = _client(self.workspace).get_object
        size = int.from_bytes(get(Bucket=bucket, Key=key, Range="bytes=-8")["Body"].read()[:4], "little")
        return b"PAR1" + bytes(get(Bucket=bucket, Key=key, Range=f"bytes=-{size + 8}")["Body"].read())


def _codec(name: str) -> str:
    """The compression of an object by its name; empty for none."""
    return _CODECS.get(name.rpartition(".")[2].lower(), "")


def is_read(name: str) -> bool:
    """Whether Spark does not pass over an object by its name."""
    return not any(one.startswith(("_", ".")) and "=" not in one for one in name.split("/"))


def _join(path: str, name: str) -> str:
    if path.startswith(S3):
        return path if split_uri(path)[1] == name else f"{path.rstrip('/')}/{name}"
    place = Path(local_path(path))
    return str(place / name if place.is_dir() else place)


def in_partitions(names: Iterable[str]) -> bool:
    """Whether any of these objects, named from their folder on, lies in a folder ``key=value``."""
    return any("=" in part for name in names for part in name.split("/")[:-1])


def sail_path(path: str) -> str:
    """A path as Sail takes it: a URL, in which a percent sign is written as one is in URLs."""
    return path.replace("%", "%25") if path.startswith(S3) else local_path(path)


def whole_objects(workspace: Workspace, spark: SparkSession, locations: Sequence[str]) -> DataFrame:
    """The objects in folders, or of these names, as Spark's binaryFile has them: ``path`` and ``content``. That of Sail
    gives an object of more than a megabyte once for each part that it makes of it.

    They are fetched when the rows are wanted; one that is gone by then is left out, which :mod:`lakelet.etl.scans`
    finds out.
    """
    with ThreadPoolExecutor(LISTINGS) as pool:
        inside = pool.map(lambda location: _addresses(workspace, location), locations)
        names = list(dict.fromkeys(name for found in inside for name in found))
    rows = spark.createDataFrame([(name,) for name in names], "path string")
    parts = max(1, min(len(names), os.cpu_count() or 1))
    return rows.repartition(parts).mapInArrow(_Fetch(workspace), "path string, content binary")


@dataclass(frozen=True)
class _Fetch:
    """What the Python workers run: batches of paths in, an object in each batch out."""

    workspace: Workspace

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow as pa

        for path in (path.as_py() for batch in batches for path in batch.column("path")):
            if (content := self._content(path)) is not None:
                yield pa.record_batch({"path": pa.array([path]), "content": pa.array([content], pa.binary())})

    def _content(self, path: str) -> bytes | None:
        if not path.startswith(S3):
            return Path(local_path(path)).read_bytes()
        bucket, key = split_uri(path)
        client = _client(self.workspace)
        try:
            return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())
        except client.exceptions.NoSuchKey:
            return None


_client = cache(s3_client)  # one for all objects and listings: to make one takes as long as to fetch a small object


def _addresses(workspace: Workspace, location: str) -> list[str]:
    if location.startswith(S3):
        scheme, bucket = location.partition("://")[0], split_uri(location)[0]
        return [f"{scheme}://{bucket}/{one.key}" for one in _below(workspace, location)]
    place = Path(local_path(location))
    return [f"file:{place / name}" if place.is_dir() else f"file:{place}" for name in objects_at(workspace, location)]


def _below(workspace: Workspace, path: str, hidden: set[str] | None = None) -> Iterator[StoredObject]:
    bucket, prefix = split_uri(path)
    folder = f"{prefix.rstrip('/')}/" if prefix else ""
    listed = list_objects(_client(workspace), bucket, prefix, hidden)
    return (one for one in listed if one.key == prefix or one.key.startswith(folder))


def objects_at(workspace: Workspace, path: str, hidden: set[str] | None = None) -> dict[str, int]:
    """The objects that lie at a path, named from there on, and their sizes in bytes; ``hidden`` gets the folders on S3
    that are left out for their names."""
    if path.startswith(S3):
        folder = f"{split_uri(path)[1].rstrip('/')}/".lstrip("/")
        return {one.key.removeprefix(folder): one.size for one in _below(workspace, path, hidden)}
    place = Path(local_path(path))
    if place.is_dir():
        return {str(one.relative_to(place)): one.stat().st_size for one in place.rglob("*") if one.is_file()}
    return {place.name: place.stat().st_size} if place.is_file() else {}


def local_path(path: str) -> str:
    """A path on this machine without its scheme, which Sail takes for a part of the name."""
    return re.sub(r"^file:(//)?(?=/)", "", path)
