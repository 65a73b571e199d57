"""A client of the control process's own small API (``/_lakelet``): what AWS has no operation for."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lakelet.workspace import errors
from lakelet.workspace.paths import Workspace
from lakelet.workspace.secrets import secret

POLL_SECONDS = 0.2


def call(
    workspace: Workspace,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    timeout: float = 600,
    patience: float = 0,
    repeatable: bool = False,
) -> Any:
    """Send one JSON request to ``/_lakelet/<path>`` and return the JSON answer.

    Raises the :class:`~lakelet.workspace.errors.LakeletError` subclass that the answer names, and
    :class:`~lakelet.workspace.errors.NotRunningError` when nothing listens. ``timeout`` is in seconds. For ``patience``
    seconds a control process that is being restarted is waited for: a request that was refused is sent again, one
    whose answer was lost only if it is ``repeatable``.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return json.loads(fetch(workspace, method, path, body, timeout=timeout) or b"{}")
        except errors.NotRunningError as error:
            unsent = isinstance(error.__cause__, ConnectionRefusedError)
            if time.monotonic() > deadline or not (unsent or repeatable):
                raise
            time.sleep(POLL_SECONDS)


def fetch(
    workspace: Workspace,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    accept: str = "application/json",
    timeout: float = 600,
) -> bytes:
    """As :func:`call`, for an answer in the media type ``accept``: its bytes. Leaving early cancels the request."""
    headers = {
        "Authorization": f"Bearer {secret(workspace, 'control_token')}",
        "Content-Type": "application/json",
        "Accept": accept,
    }
    content = json.dumps(body or {}).encode()
    status, answer = send(workspace, method, f"/_lakelet/{path}", content, headers, timeout=timeout)
    if status >= 400:
        raise _error(answer)
    return answer


def send(
    workspace: Workspace, method: str, path: str, body: bytes, headers: Mapping[str, str], *, timeout: float
) -> tuple[int, bytes]:
    """Send one request to the control process, past every proxy; returns the status and the body of the answer.

    Raises :class:`~lakelet.workspace.errors.NotRunningError`, its cause being what went wrong.
    """
    address = urlsplit(workspace.endpoint("control"))
    connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=timeout)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        raise errors.NotRunningError(
            f"The control process at {address.netloc} does not answer ({error}): see `lakelet status`."
        ) from error
    finally:
        connection.close()


def error_body(error: errors.LakeletError) -> dict[str, str]:
    """The JSON form of an error, as the API answers it."""
    return {"error": type(error).__name__, "message": str(error)}


def _error(answer: bytes) -> errors.LakeletError:
    try:
        named = json.loads(answer)
        kind, message = getattr(errors, named["error"], errors.LakeletError), str(named["message"])
    except (ValueError, KeyError, TypeError):
        kind, message = errors.LakeletError, "The control process failed: see its log with `lakelet logs control`."
    return kind(message)
