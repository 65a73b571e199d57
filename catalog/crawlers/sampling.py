"""Reading the beginning of an object and letting the classifiers decide what it is.

Nothing that an object holds may stop a crawl: what cannot be read becomes an :class:`Unreadable` with its reason.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from lakelet.catalog.crawlers.csv_classifier import classify_csv
from lakelet.catalog.crawlers.custom import CustomClassifier, Text
from lakelet.catalog.crawlers.json_classifier import classify_json
from lakelet.catalog.crawlers.parquet_classifier import MAGIC, classify_parquet
from lakelet.catalog.crawlers.schema import Sample, Unreadable
from lakelet.data.formats import CSV, JSON, PARQUET
from lakelet.data.objects import StoredObject

# Of text (once unpacked) that are looked at, from the beginning of each object: many objects show their table's types
# with less of each. Glue's classifiers look at the first megabyte.
MOST_TEXT_BYTES, LEAST_TEXT_BYTES, ALL_TEXT_BYTES = 1 << 20, 1 << 17, 1 << 22
READERS = 16

_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib: 32 KiB window, gzip header expected
_OTHER_PACKINGS = {b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "Zstandard", b"PK\x03\x04": "zip", b"\xfd7zXZ": "xz"}


Custom = Sequence[CustomClassifier]


def read_samples(client: Any, objects: Sequence[StoredObject], custom: Custom = ()) -> list[Sample | Unreadable]:
    """What each object holds, in the order given; read in parallel. ``client`` is a boto3 S3 client.

    ``custom`` classifiers are asked first, in their order.
    """
    limit = min(max(ALL_TEXT_BYTES // max(len(objects), 1), LEAST_TEXT_BYTES), MOST_TEXT_BYTES)
    with ThreadPoolExecutor(READERS, thread_name_prefix="sample") as pool:
        return list(pool.map(lambda one: read_sample(client, one, limit, custom), objects))


def read_sample(
    client: Any, item: StoredObject, limit: int = MOST_TEXT_BYTES, custom: Custom = ()
) -> Sample | Unreadable:
    """What one object holds, judged by its first ``limit`` bytes of text.

    An object that vanished since it was listed is unreadable; a dead store raises.
    """
    from botocore.exceptions import ClientError

    if item.size == 0:
        return Unreadable(item, "is empty")

    def get(byte_range: str) -> bytes:
        answer = client.get_object(Bucket=item.bucket, Key=item.key, Range=f"bytes={byte_range}")
        body: bytes = answer["Body"].read()
        return body

    try:
        # Its name says Parquet: reading the footer first saves a request.
        if item.key.endswith(".parquet") and (found := _parquet(item, get)):
            return found
        head = get(f"0-{limit - 1}")
        if head.startswith(MAGIC):
            return _parquet(item, get) or Unreadable(item, "is Parquet without a readable footer")
        return classify(item, head, limit, custom)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return Unreadable(item, "was deleted while the crawl ran")
        raise


def classify(item: StoredObject, head: bytes, limit: int = MOST_TEXT_BYTES, custom: Custom = ()) -> Sample | Unreadable:
    """What an object of text holds whose first bytes are ``head``; ``limit`` of its text are looked at."""
    whole = len(head) >= item.size
    complaints: list[str] = []
    compression = "none"
    if head.startswith(_GZIP):
        compression = "gzip"
        head, whole, broken = _unpack(head, whole, limit)
        if broken:
            complaints.append(broken)
        if not head:
            return Unreadable(item, broken or "is empty")
    for magic, name in _OTHER_PACKINGS.items():
        if head.startswith(magic):
            return Unreadable(item, f"is packed with {name}, which no reader here unpacks: use gzip")
    if len(head) > limit:
        head, whole = head[:limit], False
    if not whole and (end := head.rfind(b"\n")) >= 0:
        head = head[: end + 1]  # what follows the last line's end is a part of a row
    text = head.decode("utf-8-sig", errors="replace")
    strange = text.count("\ufffd") + text.count("\x00")
    if strange > len(text) / 10:
        return Unreadable(item, "is not text in UTF-8, nor Parquet")
    if strange:
        complaints.append(f"has {strange} characters that are not UTF-8")
    for classifier in custom:
        if found := classifier.classify(Text(item, text, len(head), whole)):
            return replace(found, compression=compression, complaints=(*complaints, *found.complaints))
    return _text(item, text, len(head), whole=whole, compression=compression, complaints=complaints)


def _text(
    item: StoredObject, text: str, size: int, *, whole: bool, compression: str, complaints: list[str]
) -> Sample | Unreadable:
    if found := classify_json(text):
        if found.bad_rows:
            complaints.append(f"has {found.bad_rows} lines that are not JSON objects")
        return Sample(
            item, JSON, found.columns, found.rows, size, whole,
            compression=compression, complaints=tuple(complaints),
        )  # fmt: skip
    table = classify_csv(text)
    if table is None:
        return Unreadable(item, "is neither CSV of two columns and two rows, nor JSON, nor Parquet")
    if table.bad_rows:
        complaints.append(f"has {table.bad_rows} rows with another number of columns")
    return Sample(
        item, CSV, table.columns, table.rows, size, whole,
        compression=compression, named=table.named, header_lines=table.header_lines, delimiter=table.delimiter,
        complaints=tuple(complaints),
    )  # fmt: skip


def _parquet(item: StoredObject, get: Any) -> Sample | None:
    found = classify_parquet(lambda wanted: get(f"{max(0, item.size - wanted)}-{item.size - 1}"))
    return Sample(item, PARQUET, found.columns, found.rows, found.size) if found else None


def _unpack(packed: bytes, whole: bool, limit: int) -> tuple[bytes, bool, str]:
    """Up to ``limit`` bytes of what is packed; whether that is all; and what was wrong with it, if anything.

    A gzip file may be several, one after the other. A damaged one gives what comes before the damage.
    """
    unpacked = bytearray()
    while packed and len(unpacked) < limit:
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        try:
            unpacked += unpacker.decompress(packed, limit - len(unpacked))
        except zlib.error as error:
            # zlib gives nothing of a piece in which it finds damage: feed it smaller ones up to there.
            unpacked += _until_damage(packed, limit)
            return bytes(unpacked), False, f"is damaged gzip ({error})"
        if not unpacker.eof:
            truncated = whole and not unpacker.unconsumed_tail and len(unpacked) < limit
            return bytes(unpacked), False, "is truncated gzip" if truncated else ""
        packed = unpacker.unused_data.lstrip(b"\0")  # tapes and some tools pad with zeros
    return bytes(unpacked), whole and not packed, ""


def _until_damage(packed: bytes, limit: int, step: int = 512) -> bytes:
    unpacker, unpacked = zlib.decompressobj(_GZIP_WINDOW), bytearray()
    try:
        for start in range(0, len(packed), step):
            unpacked += unpacker.decompress(packed[start : start + step], limit)
    except zlib.error:
        pass
    return bytes(unpacked[:limit])
