"""The OpenSearch client, and the border where its exceptions become Lakelet's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opensearchpy import OpenSearch, exceptions

from lakelet.workspace.addresses import opensearch_address
from lakelet.workspace.errors import NotFoundError, NotRunningError, QueryError, StackError
from lakelet.workspace.paths import Workspace

TIMEOUT_SECONDS = 30.0
_BUSY = frozenset({429, 502, 503, 504})  # a node that starts, recovers a shard or has its queues full


def open_client(workspace: Workspace, timeout: float = TIMEOUT_SECONDS) -> OpenSearch:
    """A client of the workspace's OpenSearch; nothing is sent yet. ``timeout`` is in seconds, for each request.

    It never retries by itself: callers know whether they can wait (:func:`lakelet.search.ingest.patiently`).
    Raises :class:`~lakelet.workspace.errors.NotRunningError` when the stack was never started.
    """
    return OpenSearch(
        [opensearch_address(workspace)], timeout=timeout, max_retries=0, retry_on_timeout=False, maxsize=4
    )


def is_passing(error: exceptions.OpenSearchException) -> bool:
    """Whether the same request may succeed later: the node is away, starting or busy."""
    return isinstance(error, exceptions.ConnectionError) or (
        isinstance(error, exceptions.TransportError) and error.status_code in _BUSY
    )


def reason(error: exceptions.OpenSearchException) -> str:
    """What OpenSearch itself says is wrong, in one line."""
    info: Any = error.info if isinstance(error, exceptions.TransportError) else None
    if isinstance(info, dict) and isinstance(info.get("error"), dict):
        causes = info["error"].get("root_cause") or [info["error"]]
        return str(causes[0].get("reason") or causes[0].get("type"))
    return str(error).splitlines()[0]


def _short(error: exceptions.OpenSearchException) -> str:
    """The kind of failure: a connection error's own text is urllib3's, and long."""
    return "no connection" if isinstance(error, exceptions.ConnectionError) else reason(error)


@contextmanager
def translated() -> Iterator[None]:
    """Turn opensearch-py's exceptions into Lakelet's: not running, no such index, refused query."""
    try:
        yield
    except exceptions.NotFoundError as error:
        info: Any = error.info if isinstance(error.info, dict) else {}
        index = (info.get("error") or {}).get("index") if isinstance(info.get("error"), dict) else None
        raise NotFoundError(f"There is no index {index or 'of that name'}: `lakelet demo` builds them.") from error
    except exceptions.RequestError as error:
        raise QueryError(f"OpenSearch refused the request: {reason(error)}.") from error
    except exceptions.OpenSearchException as error:
        if is_passing(error):
            raise NotRunningError(
                f"OpenSearch does not answer, or is not ready yet ({_short(error)}): see `lakelet status`, or start it "
                "with `lakelet up`."
            ) from error
        if "too many" in reason(error):  # too many clauses: answered as an error of the server's, but it is not
            raise QueryError(f"OpenSearch refused the query: {reason(error)}; use fewer words.") from error
        raise StackError(f"OpenSearch failed: {reason(error)}; see `lakelet logs opensearch`.") from error
