"""JupyterLab for analysts: on loopback, behind a token, with a kernel that knows the workspace."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import sys
from pathlib import Path
from urllib.parse import quote

from jobs.spark import python_path
from workspace.errors import InstallError, StackError, UsageError
from workspace.files import write_atomic
from workspace.paths import Workspace
from workspace.secrets import secret

KERNEL = "lakelet"
# Ctrl-C ends a JupyterLab that is still being imported, without a traceback; once it runs, it has a handler of its own.
_JUPYTERLAB = """
import runpy, signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
runpy.run_module("jupyterlab", run_name="__main__")
"""
# Nobody is asked whether news may be fetched from the internet.
_NO_NEWS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
_PATHS = ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH")
PORTS_TRIED = 50
MAX_PORT = 65535


def install_kernel(workspace: Workspace) -> Path:
    """Write the kernel's specification into the state folder; returns the folder that JUPYTER_PATH must name.

    It holds no secret: the kernel reads addresses and keys from the workspace when it starts.
    """
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--ext=lakelet.kernel"],
        "display_name": "Lakelet",
        "language": "python",
        "env": {**workspace.environment, "PYTHONPATH": python_path()},
        "metadata": {"debugger": True},
    }
    folder = workspace.state / "jupyter"
    write_atomic(folder / "kernels" / KERNEL / "kernel.json", json.dumps(spec, indent=1).encode())
    return folder


def environment(workspace: Workspace) -> dict[str, str]:
    """The environment of a Jupyter server or client of this workspace, the token of the server in it."""
    folder = install_kernel(workspace)
    write_atomic(folder / "labconfig" / "default_setting_overrides.json", json.dumps(_NO_NEWS).encode())
    runtime = folder / "runtime"
    runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
    return {
        **os.environ,
        **workspace.environment,
        **{name: os.pathsep.join(filter(None, (str(folder), os.environ.get(name)))) for name in _PATHS},
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_TOKEN": secret(workspace, "jupyter_token"),
    }


def server_argv(port: int, folder: Path, *, browser: bool) -> list[str]:
    """The JupyterLab server on 127.0.0.1, serving the notebooks of ``folder``; the token is in the environment."""
    return [
        sys.executable, "-c", _JUPYTERLAB,
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.allow_remote_access=False",
        f"--ServerApp.open_browser={browser}",
        f"--MultiKernelManager.default_kernel_name={KERNEL}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",
        *(["--allow-root"] if os.geteuid() == 0 else []),
    ]  # fmt: skip


def address(workspace: Workspace, port: int, notebook: str = "") -> str:
    """Where to point a browser, with the token that lets it in."""
    path = f"/tree/{quote(notebook)}" if notebook else ""
    return f"http://127.0.0.1:{port}/lab{path}?token={secret(workspace, 'jupyter_token')}"


def free_port(wanted: int, chosen: bool) -> int:
    """The port ``wanted``, or unless it was ``chosen`` by the user, the next free one.

    Raises :class:`~workspace.errors.StackError` when there is none.
    """
    for port in range(wanted, min(wanted + (1 if chosen else PORTS_TRIED), MAX_PORT + 1)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StackError(f"Port {wanted} is in use: choose another with --port.")


def check_installed() -> None:
    """Raises :class:`~workspace.errors.InstallError` when JupyterLab is not installed."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise InstallError("JupyterLab is not installed beside Lakelet: install the project again with `make demo`.")


def serve(workspace: Workspace, port: int, *, browser: bool) -> None:
    """Become the JupyterLab server; Ctrl-C ends it. Does not return."""
    argv = server_argv(port, notebooks(workspace), browser=browser)
    os.execve(argv[0], argv, environment(workspace))  # noqa: S606  the command is ours


def has_notebook(workspace: Workspace, name: str) -> bool:
    """Whether the analysts' folder holds a notebook of that name; nothing outside of it counts."""
    folder = notebooks(workspace).resolve()
    try:
        path = (folder / name).resolve()
        return path.is_relative_to(folder) and path.is_file()
    except OSError:  # a name too long for a file's, say
        return False


def notebooks(workspace: Workspace) -> Path:
    """The folder of the analysts' notebooks. Raises UsageError when the project has none."""
    folder = workspace.root / "notebooks"
    if not folder.is_dir():
        raise UsageError(f"The folder {folder} does not exist: make it, then open it again.")
    return folder
