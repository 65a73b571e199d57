"""A publish's manifest and how it is applied: staged objects copied in, replaced ones deleted, idempotently.

What was committed is only ever carried out by :func:`apply`, which may be stopped at any point and begun again:
copying twice gives the same object, deleting twice the same absence, and staging is dropped only by
:func:`drop_staging`, once the whole manifest is known to have been applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import botocore.exceptions

from lakelet.data.zones import PRIVATE_PREFIX, split_uri
from lakelet.workspace.errors import InvalidInputException, PublishError, ServiceUnavailableException, UsageError

STAGING_PREFIX = PRIVATE_PREFIX + "staging/"
THREADS = 16
_TOO_LARGE = ("InvalidRequest", "EntityTooLarge")  # than what S3 copies at once, 5 GiB
DELETE_BATCH = 1000  # S3's limit for one DeleteObjects


@dataclass(frozen=True)
class Manifest:
    """What one publish does to one location: ``add`` are (staged key, target key), ``remove`` target keys.

    Keys are relative to the bucket; ``prefix`` is the location's, ending in ``/``, or empty.
    """

    bucket: str
    prefix: str
    staging: str
    add: Sequence[tuple[str, str]]
    remove: Sequence[str]

    @classmethod
    def from_request(cls, location: str, staging: str, add: Any, remove: Any) -> Manifest:
        """A manifest as a driver sends it, checked: it reads from its own staging only, and writes and deletes
        below its own location only. Raises InvalidInputException."""
        bucket, prefix = location_prefix(location)
        try:
            pairs = [(str(item["source"]), str(item["target"])) for item in add]
            keys = [str(key) for key in remove]
        except (TypeError, KeyError) as error:
            raise InvalidInputException(f"The manifest cannot be read: {error!r} is missing or malformed.") from error
        for source, target in pairs:
            _check(source, staging, "a staged object")
            _check(target, prefix, "an object to add")
        for key in keys:
            _check(key, prefix, "an object to remove")
        if len({target for _, target in pairs}) < len(pairs):
            raise InvalidInputException("The manifest adds one object twice: give every object a key of its own.")
        return cls(bucket, prefix, staging, pairs, keys)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Manifest:
        pairs = [(source, target) for source, target in value["add"]]
        return cls(value["bucket"], value["prefix"], value["staging"], pairs, value["remove"])

    def to_json(self) -> dict[str, Any]:
        return {
            "bucket": self.bucket,
            "prefix": self.prefix,
            "staging": self.staging,
            "add": [list(pair) for pair in self.add],
            "remove": list(self.remove),
        }


def location_prefix(location: str) -> tuple[str, str]:
    """The bucket and the prefix of a location, ending in ``/`` and empty for a whole bucket. Raises
    InvalidInputException for a hidden one and for what is no S3 location."""
    try:
        bucket, key = split_uri(location)
    except UsageError as error:
        raise InvalidInputException(f"{location!r} is not an S3 location: write s3://bucket/path.") from error
    prefix = f"{path}/" if (path := key.strip("/")) else ""
    if prefix and (prefix.startswith(PRIVATE_PREFIX) or not _plain(path)):
        raise InvalidInputException(f"Nothing can be published to {location}: give s3://bucket/path of the data.")
    return bucket, prefix


def _check(key: str, prefix: str, what: str) -> None:
    hidden = key.startswith(PRIVATE_PREFIX) and not prefix.startswith(PRIVATE_PREFIX)
    if hidden or not key.startswith(prefix) or not _plain(key[len(prefix) :]):
        raise InvalidInputException(f"The manifest names {what} at {key!r}, which is not below {prefix!r}.")


def _plain(path: str) -> bool:
    """Whether every part of a path is a name: no empty part, no ``.`` or ``..``, no control character."""
    parts = path.split("/")
    return all(part not in ("", ".", "..") for part in parts) and path.isprintable() and "\\" not in path


def check_staged(client: Any, manifest: Manifest) -> None:
    """Hold that all that the manifest adds was staged, before it is committed to.

    Raises InvalidInputException for a missing object, ServiceUnavailableException when the store is down.
    """
    with translated(manifest.bucket):
        staged = set(keys_below(client, manifest.bucket, manifest.staging)) if manifest.add else set()
    if missing := [source for source, _ in manifest.add if source not in staged]:
        raise InvalidInputException(f"{len(missing)} staged objects do not exist, {missing[0]} for one: stage again.")


def apply(client: Any, manifest: Manifest) -> None:
    """Carry a committed manifest out; may be repeated. The additions come first: a reader of the bare path may
    find old and new files together, but never neither.

    Raises ServiceUnavailableException when the store is down, PublishError when it refuses.
    """
    kept = {target for _, target in manifest.add}
    with translated(manifest.bucket), ThreadPoolExecutor(THREADS, "publish") as pool:
        list(pool.map(lambda pair: _copy(client, manifest.bucket, *pair), manifest.add))
        delete_keys(client, manifest.bucket, [key for key in manifest.remove if key not in kept])


@dataclass(frozen=True)
class Outcome:
    """How far a manifest was carried out: of the objects to add those ``added`` and ``missing``, of those to remove
    the ones ``gone`` and ``left``, and all that is ``present`` below the location; keys relative to the bucket."""

    added: Sequence[str]
    missing: Sequence[str]
    gone: Sequence[str]
    left: Sequence[str]
    present: frozenset[str]


def outcome(client: Any, manifest: Manifest, since: float) -> Outcome:
    """Look how far a manifest was carried out. An object to add counts when it was written after ``since`` (Unix
    seconds): one of that name may have been there before. A bucket that does not exist holds nothing.

    Raises ServiceUnavailableException when the store is down, PublishError when it does not let us look.
    """
    written: dict[str, float] = {}
    try:
        with translated(manifest.bucket):
            for page in client.get_paginator("list_objects_v2").paginate(
                Bucket=manifest.bucket, Prefix=manifest.prefix
            ):
                written |= {item["Key"]: item["LastModified"].timestamp() for item in page.get("Contents", ())}
    except PublishError as error:
        cause = error.__cause__
        code = cause.response["Error"].get("Code") if isinstance(cause, botocore.exceptions.ClientError) else ""
        if code != "NoSuchBucket":
            raise
    targets = [target for _, target in manifest.add]
    added = [key for key in targets if written.get(key, 0.0) >= since - 1.0]  # S3 keeps whole seconds
    removed = [key for key in manifest.remove if key not in set(targets)]
    return Outcome(
        added=added,
        missing=sorted(set(targets) - set(added)),
        gone=[key for key in removed if key not in written],
        left=[key for key in removed if key in written],
        present=frozenset(written),
    )


def drop_staging(client: Any, bucket: str, prefix: str) -> None:
    """Delete what a publish staged. Raises ServiceUnavailableException when the store is down."""
    if not prefix.startswith(STAGING_PREFIX) or len(prefix) <= len(STAGING_PREFIX):
        raise PublishError(f"{prefix!r} is not a staging folder: nothing was deleted.")
    with translated(bucket):
        delete_keys(client, bucket, list(keys_below(client, bucket, prefix)))


def _copy(client: Any, bucket: str, source: str, target: str) -> None:
    place = {"Bucket": bucket, "Key": source}
    try:
        client.copy_object(CopySource=place, Bucket=bucket, Key=target)
    except botocore.exceptions.ClientError as error:
        if error.response["Error"].get("Code") not in _TOO_LARGE:
            raise
        client.copy(place, bucket, target)  # in parts; it asks for the size first, which costs as much as the copy


def delete_keys(client: Any, bucket: str, keys: Sequence[str]) -> None:
    """Delete objects; one that is not there is no error. Raises PublishError for those that the store keeps."""
    for start in range(0, len(keys), DELETE_BATCH):
        batch = [{"Key": key} for key in keys[start : start + DELETE_BATCH]]
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        if errors := answer.get("Errors"):
            raise PublishError(f"{len(errors)} objects of {bucket} could not be deleted: {errors[0].get('Message')}.")


def keys_below(client: Any, bucket: str, prefix: str) -> Iterator[str]:
    """Every key that begins with the prefix, hidden ones included."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (item["Key"] for item in page.get("Contents", ()))


@contextmanager
def translated(bucket: str) -> Iterator[None]:
    """botocore's errors as ours: ServiceUnavailableException while the store is down, PublishError when it refuses."""
    try:
        yield
    except botocore.exceptions.ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= 500:
            raise ServiceUnavailableException(f"The object store cannot serve {bucket} now: {error}") from error
        raise PublishError(f"The object store refused a request to {bucket}: {error}") from error
    except (botocore.exceptions.BotoCoreError, OSError) as error:
        raise ServiceUnavailableException(f"The object store does not answer for {bucket}: {error}") from error
