"""What Sail has left in the staging of a write, made what Spark would have left: lines of text become CSV (with a
header) or JSON, and a write of no rows an object without any."""

from __future__ import annotations

import bz2
import gzip
import io
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pyspark.sql import types as T

from lakelet.data.objects import StoredObject, list_objects, s3_client
from lakelet.data.partitions import parse_partition_path, partition_path
from lakelet.data.zones import S3, split_uri
from lakelet.workspace.paths import Workspace

_PART = 5 << 20  # bytes that a part of a multipart upload has at least, but for the last
_COPIED = 1 << 30  # bytes of a part that the object store copies itself
_AT_ONCE = 16
_SUFFIX = {"csv": ".csv", "json": ".json", "text": ".txt", "parquet": ".parquet"}
_PACKED: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": (".gz", gzip.compress),
    "bzip2": (".bz2", bz2.compress),
}


def as_format(workspace: Workspace, folder: str, format: str, head: bytes) -> None:
    """Make lines of text in a folder (``s3a://…/``, or one of this machine) objects of a format, with a header."""
    suffix = _SUFFIX[format]
    if not folder.startswith(S3):
        for path in [one for one in Path(folder).rglob("*.txt*") if one.is_file()]:
            name, packed = path.name.split(".txt")
            path.with_name(f"{name}{suffix}{packed}").write_bytes(_packed(head, packed) + path.read_bytes())
            path.unlink()
        return
    client = s3_client(workspace)
    bucket, prefix = split_uri(folder)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda one: _rewrite(client, one, suffix, head), list(list_objects(client, bucket, prefix))))


def name_folders(folder: str) -> None:
    """Give the folders of partitions, in one of this machine, the names that Spark gives them: Sail has none for null,
    and escapes other signs. Those in the lake are named when they are published."""
    for path in sorted(Path(folder).rglob("*=*"), key=lambda one: len(one.parts), reverse=True):
        if path.is_dir() and (pairs := parse_partition_path(f"{path.name}/")):
            path.rename(path.with_name(partition_path(*zip(*pairs, strict=True))))


def clear(workspace: Workspace, folder: str) -> None:
    """Take away what a write has left in a folder (``s3a://…/``, or one of this machine) that is made once more."""
    if not folder.startswith(S3):
        shutil.rmtree(folder, ignore_errors=True)
        return
    client = s3_client(workspace)
    for one in list(list_objects(client, *split_uri(folder))):
        client.delete_object(Bucket=one.bucket, Key=one.key)


def _rewrite(client: Any, one: StoredObject, suffix: str, head: bytes) -> None:
    stem, _, packed = one.key.rpartition(".txt")
    place = {"Bucket": one.bucket, "Key": f"{stem}{suffix}{packed}"}
    source = {"Bucket": one.bucket, "Key": one.key}
    head = _packed(head, packed)
    if not head:
        client.copy(source, *place.values())
    elif one.size <= 2 * _PART:
        client.put_object(**place, Body=head + client.get_object(**source)["Body"].read())
    else:
        _joined(client, one, head, place)
    client.delete_object(**source)


def _packed(head: bytes, suffix: str) -> bytes:
    """The header as it may stand before an object: a stream of gzip or bzip2 may follow another."""
    return next((pack(head) for one, pack in _PACKED.values() if one == suffix), head) if head else head


def _joined(client: Any, one: StoredObject, head: bytes, place: Mapping[str, str]) -> None:
    """A large object behind its header: only its beginning passes through this process."""
    upload = {**place, "UploadId": client.create_multipart_upload(**place)["UploadId"]}
    source = {"Bucket": one.bucket, "Key": one.key}
    try:
        first = client.get_object(**source, Range=f"bytes=0-{_PART - 1}")["Body"].read()
        parts = [client.upload_part(**upload, PartNumber=1, Body=head + first)["ETag"]]
        for at, start in enumerate(range(_PART, one.size, _COPIED), 2):
            rest = f"bytes={start}-{min(start + _COPIED, one.size) - 1}"
            copied = client.upload_part_copy(**upload, PartNumber=at, CopySource=source, CopySourceRange=rest)
            parts.append(copied["CopyPartResult"]["ETag"])
        made = [{"PartNumber": at, "ETag": tag} for at, tag in enumerate(parts, 1)]
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": made})
    except BaseException:
        client.abort_multipart_upload(**upload)
        raise


def leave_one(workspace: Workspace, folder: str, format: str, head: bytes, codec: str, schema: T.StructType) -> None:
    """Put an object without rows into a folder (``s3a://…/``, or one of this machine) where nothing lies, as Spark
    does."""
    suffix, pack = _PACKED.get(codec, ("", bytes)) if format != "parquet" else ("", bytes)
    name, body = f"part-00000{_SUFFIX[format]}{suffix}", _no_rows(schema) if format == "parquet" else pack(head)
    if not folder.startswith(S3):
        if not any(one.is_file() for one in Path(folder).rglob("*")):
            Path(folder).mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_bytes(body)
        return
    client = s3_client(workspace)
    bucket, prefix = split_uri(folder)
    if next(iter(list_objects(client, bucket, prefix)), None) is None:
        client.put_object(Bucket=bucket, Key=f"{prefix}{name}", Body=body)


def _no_rows(schema: T.StructType) -> bytes:
    import pyarrow.parquet as pq
    from pyspark.sql.pandas.types import to_arrow_schema

    made = io.BytesIO()
    pq.write_table(to_arrow_schema(schema).empty_table(), made)
    return made.getvalue()
