"""Folders of the object store, which has none: a marker object for an empty one, and all objects below a prefix."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lakelet.data.publish import THREADS, delete_keys, keys_below, translated
from lakelet.data.zones import split_uri
from lakelet.workspace.errors import InvalidInputException, UsageError


class Folders:
    """Makes, moves and removes folders, given as ``s3://bucket/path``.

    Raises InvalidInputException for what is no folder of S3, ServiceUnavailableException while the object store is
    down, PublishError when it refuses.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def make(self, location: str) -> None:
        """Put a marker where nothing is: readers then find an empty folder. The bucket must exist."""
        bucket, prefix = folder(location)
        with translated(bucket):
            found = self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
            if prefix and not found.get("KeyCount"):
                self._client.put_object(Bucket=bucket, Key=prefix, Body=b"")

    def make_all(self, locations: Iterable[str]) -> None:
        """:meth:`make` each of many."""
        with ThreadPoolExecutor(THREADS, "folders") as pool:
            list(pool.map(self.make, locations))

    def make_bucket(self, bucket: str) -> None:
        """Make a bucket unless it is there."""
        with translated(bucket):
            if bucket not in {one["Name"] for one in self._client.list_buckets()["Buckets"]}:
                self._client.create_bucket(Bucket=bucket)

    def copy(self, source: str, target: str) -> None:
        """Copy all objects of a folder to another one; may be repeated."""
        (old_bucket, old), (bucket, new) = folder(source), folder(target)

        def one(key: str) -> None:
            self._client.copy({"Bucket": old_bucket, "Key": key}, bucket, new + key[len(old) :])

        with translated(bucket), ThreadPoolExecutor(THREADS, "folders") as pool:
            list(pool.map(one, keys_below(self._client, old_bucket, old)))

    def remove(self, location: str) -> None:
        """Delete a folder with all that is in it; a whole bucket is refused."""
        bucket, prefix = folder(location)
        if not prefix:
            raise InvalidInputException(f"{location} is a whole bucket, which is not deleted with a table.")
        with translated(bucket):
            delete_keys(self._client, bucket, list(keys_below(self._client, bucket, prefix)))


def folder(location: str) -> tuple[str, str]:
    """The bucket, and the prefix of the folder's objects: empty, or ending in ``/``.

    Raises :class:`~lakelet.workspace.errors.InvalidInputException` for what is no S3 location.
    """
    try:
        bucket, key = split_uri(location)
    except UsageError as error:
        raise InvalidInputException(f"{location!r} is not an S3 location: write s3://bucket/path.") from error
    return bucket, key.strip("/") + "/" if key.strip("/") else ""
