"""What a component is: a program, its environment, where it listens, and a probe that proves that it works."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lakelet.workspace.paths import COMPONENT_VARIABLE, REPOSITORY, Workspace

PROBE_SECONDS = 10.0

# Variables of the user's shell that would change what our programs do.
_FOREIGN = ("AWS_", "SPARK_", "PYSPARK_", "JAVA_", "JDK_", "_JAVA_", "OPENSEARCH_", "MINIO_", "STREAMLIT_", "HADOOP_")


class NotReadyError(Exception):
    """The component does not work yet; the message says what it answered."""


@dataclass(frozen=True)
class Component:
    """One process of the stack, or (with an empty ``argv``) a service that runs elsewhere and is only probed.

    ``probe`` returns when the component works and raises :class:`NotReadyError` or ``OSError`` while it does not.
    ``after`` names the components that must run first. It is first started when ``obstacle`` returns "" and no more a
    sentence about what is not installed yet.
    """

    name: str
    url: str
    argv: Sequence[str]
    probe: Callable[[], None]
    env: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    cwd: Path = REPOSITORY
    obstacle: Callable[[], str] = lambda: ""


@dataclass(frozen=True)
class Plan:
    """What the components are made from: the workspace, and the port chosen for each ``…_port`` setting.

    The port of worker ``n``'s web UI (from 1) is under ``spark_worker_ui_port_<n>``.
    """

    workspace: Workspace
    ports: Mapping[str, int]

    def address(self, port: str, scheme: str = "http") -> str:
        """``http://127.0.0.1:<port>`` of a port by its setting's name."""
        return f"{scheme}://127.0.0.1:{self.ports[port]}"


def base_environment(workspace: Workspace, name: str) -> dict[str, str]:
    """The environment every component gets: the user's, without what would reconfigure our programs, and our names."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    return inherited | workspace.environment | {COMPONENT_VARIABLE: name}


def request(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """One HTTP request, straight to the address: a proxy of the user's is not for loopback. Raises ``OSError``."""
    address = urlsplit(url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "127.0.0.1", address.port, timeout=PROBE_SECONDS)
    try:
        path = f"{address.path or '/'}?{address.query}" if address.query else address.path or "/"
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read()
    except http.client.HTTPException as error:
        raise NotReadyError(f"{method} {url}: {error!r}") from error
    finally:
        connection.close()


def expect(
    method: str,
    url: str,
    document: Any = None,
    *,
    also: Sequence[int] = (),
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Send JSON, and return the JSON answer (or the text); raises :class:`NotReadyError` for any status but 2xx."""
    body = None if document is None else json.dumps(document).encode()
    status, answer = request(method, url, body, {"Content-Type": "application/json", **(headers or {})})
    if not 200 <= status < 300 and status not in also:
        raise NotReadyError(f"{method} {url} answered {status}: {answer[:300].decode(errors='replace')}")
    try:
        return json.loads(answer)
    except ValueError:
        return answer.decode(errors="replace")
