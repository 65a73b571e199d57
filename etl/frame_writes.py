"""``DataFrame.write`` to S3, on both engines: staged, then published at once, as our sinks do.

What engines do themselves is not safe: an overwrite deletes first and writes then, and one that dies leaves a part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException

from lakelet.data.objects import list_objects, s3_client
from lakelet.data.publish import keys_below
from lakelet.data.zones import PRIVATE_PREFIX, plain_slashes, split_uri
from lakelet.etl.publishing import Publication
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OVERWRITE_MODE = "partitionOverwriteMode"
_DYNAMIC = f"spark.sql.sources.{OVERWRITE_MODE}"
_FOLDER = "data/"
_REFUSING = ("error", "errorifexists")


def is_staging(path: str) -> bool:
    """Whether a path lies in the staging of a publish, where nothing has to be staged once more."""
    return f"/{PRIVATE_PREFIX}staging/" in path


def is_dynamic(option: str | None, session: SparkSession) -> bool:
    """Whether an overwrite is of those partitions that come, by the write's own OVERWRITE_MODE or the session's."""
    return str(option or session.conf.get(_DYNAMIC, "static")).lower() == "dynamic"


def publish_write(
    workspace: Workspace, path: str, mode: str, by_partitions: bool, stage: Callable[[str], None]
) -> None:
    """Write to a folder in one of Spark's modes (``append``, ``overwrite``, ``error``, ``errorifexists``, ``ignore``).
    ``by_partitions`` says that an overwrite is of those partitions only that come; ``stage`` writes to an empty folder,
    ``s3a://…``.

    Raises AnalysisException where Spark does, when there is something already; ConcurrentModificationException when
    somebody else has published there meanwhile.
    """
    location = plain_slashes(path).rstrip("/") + "/"
    publication = Publication.begin(workspace, location, None)
    try:
        client, place = s3_client(workspace), split_uri(location)
        existing = [one.key for one in list_objects(client, *place)]
        if existing and mode == "ignore":
            publication.abort()
            return
        if existing and mode in _REFUSING:
            raise AnalysisException(f"[PATH_ALREADY_EXISTS] Path {path} already exists: choose another mode.")
        stage(publication.folder(_FOLDER))
        moves = publication.moves(_FOLDER)
        if mode == "overwrite" and by_partitions:
            written = {target.rpartition("/")[0] for _, target in moves}
            publication.removed = {key for key in existing if key.rpartition("/")[0] in written}
        elif mode == "overwrite":  # hidden objects go as well: a log of Delta's would tell of files that are gone
            there = keys_below(client, *place)
            publication.removed = {key for key in there if not key.endswith("/") and not key.startswith(PRIVATE_PREFIX)}
        publication.commit(moves)
    except BaseException:
        publication.abort()
        raise
