"""Choose the ports: the default, else the next free one; but a port that the user chose is taken or refused."""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping
from contextlib import suppress

import psutil

from lakelet.workspace.errors import StackError
from lakelet.workspace.paths import COMPONENT_VARIABLE, STATE_VARIABLE, Workspace
from lakelet.workspace.settings import BY_NAME, SETTINGS

TRIES = 200
WORKER_UI = "spark_worker_ui_port"
NOWHERE = 1  # in the address of a component that is not started: no ordinary program can listen there

_claims: dict[int, socket.socket] = {}  # held until this process ends


def choose(workspace: Workspace, unused: Collection[str] = ()) -> tuple[dict[str, int], list[str]]:
    """A port for each ``…_port`` setting, and at most one sentence, about those that differ from the default.

    A port that is ``unused``, since no component listens on it, is :data:`NOWHERE`. Raises
    :class:`~lakelet.workspace.errors.StackError` when a port that the user set is held by another process.
    """
    settings = workspace.settings
    chosen: dict[str, int] = {}
    moved: dict[int, int] = {}
    for key, first in default_ports(workspace).items():
        if key in unused:
            continue
        setting = key if key in BY_NAME else WORKER_UI
        taken = set(chosen.values())
        if first not in taken and claim(first):
            chosen[key] = first
            continue
        if settings.is_set(setting):
            raise StackError(
                f"Port {first} ({setting}) is held by {holder(first)}: end that, or set another {setting}."
            )
        chosen[key] = next(port for port in range(first + 1, first + TRIES) if port not in taken and claim(port))
        if first not in taken:  # else one of this stack's own other ports moved there
            moved[first] = chosen[key]
    return dict.fromkeys(unused, NOWHERE) | chosen, [_note(moved)] if moved else []


def _note(moved: Mapping[int, int]) -> str:
    """One sentence about all the ports that other processes hold, and those used instead."""
    held: dict[str, list[str]] = {}
    for port in moved:
        held.setdefault(holder(port), []).append(str(port))
    parts = [f"{', '.join(ports)} by {who}" for who, ports in held.items()]
    noun = "Ports" if len(moved) > 1 else "Port"
    return f"{noun} in use: {'; '.join(parts)}. Using {', '.join(map(str, moved.values()))}."


def default_ports(workspace: Workspace) -> dict[str, int]:
    """The ports of the settings as they are; each worker has its own, ``spark_worker_ui_port_<n>``."""
    settings = workspace.settings
    names = [setting.name for setting in SETTINGS if setting.name.endswith("_port") and setting.name != WORKER_UI]
    workers = {f"{WORKER_UI}_{n + 1}": settings.number(WORKER_UI) + n for n in range(settings.number("workers"))}
    return {name: settings.number(name) for name in names} | workers


def claim(port: int) -> bool:
    """Whether a server could listen at this port, and no other stack that is starting has chosen it for one.

    What tells the stacks is a name in the kernel (an abstract Unix socket), which goes with the process that has it.
    """
    if port in _claims:
        return free(port)
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0lakelet-port-{port}")
        if free(port):
            _claims[port] = name
            return True
    except OSError:  # another has it
        pass
    name.close()
    return False


def free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1 at this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Who listens there, for people: ``pid 123 (python -m http.server)``, ``another Lakelet project (/home/me/a)``."""
    for connection in psutil.net_connections("tcp"):
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            if connection.pid is None:
                break
            try:
                process = psutil.Process(connection.pid)
                words = process.cmdline()
                with suppress(psutil.Error):  # another user's
                    environment = process.environ()
                    if COMPONENT_VARIABLE in environment and (state := environment.get(STATE_VARIABLE)):
                        return f"another Lakelet project ({state.removesuffix('/.lakelet')})"
            except psutil.Error:
                break
            return f"pid {connection.pid} ({' '.join(words)[:60]})"
    return "another process" if not free(port) else "a stack that is starting"
