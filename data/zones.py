"""The zones of the lake: one bucket each, and the URIs of what lies in them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from lakelet.workspace.errors import UsageError

BRONZE = "bronze"  # as delivered
SILVER = "silver"  # typed, deduplicated
GOLD = "gold"  # joined and aggregated, for people
QUARANTINE = "quarantine"  # rows that could not be read, with reasons

ZONES = (BRONZE, SILVER, GOLD, QUARANTINE)

S3 = ("s3://", "s3a://", "s3n://")  # how a location on S3 begins, by AWS's name and by Hadoop's
PRIVATE_PREFIX = ".lakelet/"  # staging and manifests; readers skip names that begin with a dot


def uri(bucket: str, key: str) -> str:
    """``s3://bucket/key``."""
    return f"s3://{bucket}/{key}"


def split_uri(location: str) -> tuple[str, str]:
    """``("bucket", "key/or/prefix")`` of an ``s3://``, ``s3a://`` or ``s3n://`` location.

    Raises :class:`~lakelet.workspace.errors.UsageError` for anything else.
    """
    parts = urlsplit(location)
    if parts.scheme not in ("s3", "s3a", "s3n") or not parts.netloc:
        raise UsageError(f"{location!r} is not an S3 location: write s3://bucket/path.")
    return parts.netloc, parts.path.lstrip("/")


def plain_slashes(location: str) -> str:
    """A path as Hadoop takes it, on S3 and elsewhere: several slashes are one (``f"{folder}/{name}"`` of a folder that
    ends in one)."""
    scheme, mark, rest = location.rpartition("://")
    return f"{scheme}{mark}{re.sub('/{2,}', '/', rest)}"
