"""A client of the control process's own small API (``/_lakelet``): what AWS has no operation for."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from workspace import errors
from workspace.paths import Workspace
from workspace.secrets import secret


def call(workspace: Workspace, method: str, path: str, body: dict[str, Any] | None = None, timeout: float = 600) -> Any:
    """Send one JSON request to ``/_lakelet/<path>`` and return the JSON answer.

    Raises the :class:`~workspace.errors.LakeletError` subclass that the answer names, and
    :class:`~workspace.errors.NotRunningError` when nothing listens. ``timeout`` is in seconds.
    """
    address = urlsplit(workspace.endpoint("control"))
    connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=timeout)
    headers = {"Authorization": f"Bearer {secret(workspace, 'control_token')}", "Content-Type": "application/json"}
    try:
        connection.request(method, f"/_lakelet/{path}", json.dumps(body or {}), headers)
        response = connection.getresponse()
        answer = json.loads(response.read() or b"{}")
    except (ConnectionError, TimeoutError, http.client.HTTPException) as error:
        raise errors.NotRunningError(
            f"The control process at {address.netloc} does not answer ({error}): see `lakelet status`."
        ) from error
    finally:
        connection.close()
    if response.status >= 400:
        raise _error(answer)
    return answer


def error_body(error: errors.LakeletError) -> dict[str, str]:
    """The JSON form of an error, as the API answers it."""
    return {"error": type(error).__name__, "message": str(error)}


def _error(answer: dict[str, str]) -> errors.LakeletError:
    kind = getattr(errors, answer.get("error", ""), errors.LakeletError)
    return kind(answer.get("message", "The control process failed: see its log with `lakelet logs control`."))
