"""JupyterLab for analysts: on loopback, behind a token, with a kernel that knows the workspace."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from lakelet.jobs.spark import python_path
from lakelet.workspace.errors import InstallError, LakeletError, StackError
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import REPOSITORY, Workspace
from lakelet.workspace.secrets import secret

KERNEL = "lakelet"
EXAMPLES = Path(__file__).resolve().parent / "examples"
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
    folder = workspace.state / "jupyter"
    _write_kernel(folder, workspace.environment)
    return folder


def install_kernel_for_user() -> Path:
    """Install the kernel for every Jupyter of this user; returns its folder. It takes the project around a notebook's
    folder."""
    from jupyter_core.paths import jupyter_data_dir

    try:
        return _write_kernel(Path(jupyter_data_dir()), {})
    except OSError as error:
        raise InstallError(
            f"The kernel cannot be installed: {error}. Set JUPYTER_DATA_DIR to another folder."
        ) from error


def install_kernel_beside() -> None:
    """Install the same kernel for the Jupyter of this Python environment, if that is a virtual one that can be written
    to."""
    if sys.prefix != sys.base_prefix:
        with suppress(OSError):
            _write_kernel(Path(sys.prefix) / "share" / "jupyter", {})


def _write_kernel(folder: Path, variables: Mapping[str, str]) -> Path:
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--ext=lakelet.kernel"],
        "display_name": "Lakelet",
        "language": "python",
        "env": {**variables, "PYTHONPATH": python_path()},
        "metadata": {"debugger": True},
    }
    path = folder / "kernels" / KERNEL / "kernel.json"
    write_atomic(path, json.dumps(spec, indent=1).encode())
    return path.parent


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

    Raises :class:`~lakelet.workspace.errors.StackError` when there is none.
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
    """Raises :class:`~lakelet.workspace.errors.InstallError` when JupyterLab is not installed."""
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
    """The folder of the project's notebooks, made when there is none. In Lakelet's own checkout git ignores it, and it
    gets copies of the notebooks that we ship, so that to run them changes nothing there.

    Raises :class:`~lakelet.workspace.errors.LakeletError` when it cannot be made.
    """
    folder = workspace.root / "notebooks"
    try:
        folder.mkdir(exist_ok=True)
        if workspace.root == REPOSITORY:
            for shipped in EXAMPLES.glob("*.ipynb"):
                if not (folder / shipped.name).exists():
                    shutil.copyfile(shipped, folder / shipped.name)
    except OSError as error:
        raise LakeletError(
            f"The folder {folder} cannot be used ({error.strerror}): make it a folder of yours."
        ) from error
    return folder
