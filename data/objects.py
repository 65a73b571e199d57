"""The object store, as boto3 speaks to it: one client, and listings that skip what readers must not see."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import boto3
import botocore.config
import botocore.exceptions
import botocore.session
import botocore.utils

from lakelet.data.zones import uri
from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret


@dataclass(frozen=True)
class StoredObject:
    """One object: where it lies, its size in bytes, its ETag, its storage class and when it was last written."""

    bucket: str
    key: str
    size: int
    etag: str
    storage_class: str = "STANDARD"
    modified: datetime | None = field(default=None, compare=False)  # the same object again is the same

    @property
    def uri(self) -> str:
        return uri(self.bucket, self.key)


def s3_client(workspace: Workspace) -> Any:
    """A boto3 S3 client for the workspace's object store, path-style, with its root credentials.

    A dead endpoint fails within seconds, not boto3's minutes. Raises :class:`~lakelet.workspace.errors.UsageError` when
    AWS_PROFILE names a profile that does not exist, which boto3 looks up though it needs nothing of it.
    """
    try:
        return _session().client(
            "s3",
            endpoint_url=workspace.endpoint("s3"),
            region_name=workspace.settings.text("region"),
            aws_access_key_id=secret(workspace, "access_key"),
            aws_secret_access_key=secret(workspace, "secret_key"),
            config=botocore.config.Config(
                s3={"addressing_style": "path"},
                connect_timeout=5,
                read_timeout=60,
                retries={"max_attempts": 3},
                max_pool_connections=32,
                proxies=own_proxies(workspace),
            ),
        )
    except botocore.exceptions.ProfileNotFound as error:
        raise UsageError(f"{error}: unset AWS_PROFILE, or name a profile that exists.") from error


@cache
def _session() -> Any:
    """The session of all clients, whose answers' time stamps are read by the standard library: boto3's own way, which
    guesses the format of each, takes most of the time of a long listing."""
    session = botocore.session.Session()
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_timestamp)
    return boto3.session.Session(botocore_session=session)


def _timestamp(value: Any) -> datetime:
    if isinstance(value, str) and value.endswith("Z"):
        return datetime.fromisoformat(value)
    other: datetime = botocore.utils.parse_timestamp(value)
    return other


def own_proxies(workspace: Workspace) -> dict[str, str] | None:
    """botocore's ``proxies`` for the object store: none stands before our own, on the loopback address, whatever
    HTTP_PROXY says; None leaves the way to an external endpoint to the environment.
    """
    return None if workspace.settings.text("s3_endpoint") else {}


def list_objects(client: Any, bucket: str, prefix: str, skipped: set[str] | None = None) -> Iterator[StoredObject]:
    """Every data object under a prefix, in key order; hidden names (``.…``, ``_…``) below the prefix are skipped.

    A folder name of the form ``_key=value`` is a partition, not hidden, as in Hive and Spark. ``skipped`` gets the
    folders that were hidden, from the prefix on.
    """
    folder, hidden = "", False  # of the object before: most lie in the same folder
    for page in _ahead(iter(client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))):
        for item in page.get("Contents", ()):
            key = item["Key"]
            place, _, name = key[len(prefix) :].rpartition("/")
            if place != folder:
                folder, hidden = place, any(_hidden(one) for one in place.split("/"))
                if hidden and skipped is not None:
                    skipped.add(place)
            if not (hidden or _hidden(name) or key.endswith("/")):
                kind = item.get("StorageClass", "STANDARD")
                yield StoredObject(bucket, key, item["Size"], item["ETag"].strip('"'), kind, item["LastModified"])


def _ahead(pages: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The pages of a listing, each fetched while the one before it is worked on."""
    page = next(pages, None)
    with ThreadPoolExecutor(1, thread_name_prefix="listing") as fetcher:
        while page is not None:
            following = fetcher.submit(next, pages, None) if page.get("IsTruncated") else None
            yield page
            page = following.result() if following else None


def _hidden(name: str) -> bool:
    return name.startswith(".") or (name.startswith("_") and "=" not in name)
