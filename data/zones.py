"""The zones of the lake: one bucket each, and the URIs of what lies in them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from workspace.errors import UsageError

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


def plain_location(location: str) -> str:
    """A location on S3 as Hadoop takes it, and so Glue: slashes that follow each other are one."""
    scheme, sign, path = location.partition("://")
    return f"{scheme}{sign}{re.sub('/{2,}', '/', path)}" if location.startswith(S3) else location


def split_uri(location: str) -> tuple[str, str]:
    """``("bucket", "key/or/prefix")`` of an ``s3://``, ``s3a://`` or ``s3n://`` location.

    Raises :class:`~workspace.errors.UsageError` for anything else.
    """
    parts = urlsplit(location)
    if parts.scheme not in ("s3", "s3a", "s3n") or not parts.netloc:
        raise UsageError(f"{location!r} is not an S3 location: write s3://bucket/path.")
    return parts.netloc, parts.path.lstrip("/")
