"""A run's own copies of its Python files: its script, and what ``--extra-py-files`` names."""

from __future__ import annotations

import importlib.util
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

import botocore.exceptions

from lakelet.data.objects import s3_client
from lakelet.data.zones import S3, split_uri
from lakelet.jobs.definitions import PYTHON_SHELL, SPARK
from lakelet.workspace.errors import RunError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import Run

EXTRA = "--extra-py-files"
SUFFIXES = {SPARK: (".py", ".zip", ".egg"), PYTHON_SHELL: (".py", ".zip", ".egg", ".whl")}


def copy_script(workspace: Workspace, location: str, folder: Path) -> Path:
    """A copy of the script, as it is now, in a folder of its own below the run's.

    Python puts the script's folder first on its path: what else lies beside the original must not stand in for a
    module that others import, nor may the script itself. Raises :class:`~lakelet.workspace.errors.RunError`.
    """
    name = PurePosixPath(unquote(location)).name
    stem = name.removesuffix(".py")
    if stem.isidentifier() and importlib.util.find_spec(stem) is not None:
        name = f"{stem}_script.py"
    target = folder / "script" / name
    _copy(workspace, location, target, "correct the job's ScriptLocation")
    return target


def read_script(workspace: Workspace, location: str) -> str:
    """The text of a script, as it is now. Raises :class:`~lakelet.workspace.errors.RunError`."""
    with TemporaryDirectory() as folder:
        target = Path(folder) / "script.py"
        _copy(workspace, location, target, "correct the job's ScriptLocation")
        return target.read_text(encoding="utf-8", errors="replace")


def copy_extra_files(workspace: Workspace, run: Run, folder: Path) -> list[Path]:
    """Copies of what ``--extra-py-files`` names, in its order. Raises :class:`~lakelet.workspace.errors.RunError`."""
    locations = [word.strip() for word in run.arguments.get(EXTRA, "").split(",") if word.strip()]
    copies = []
    for number, location in enumerate(locations):
        suffixes = SUFFIXES[run.spec["command"]]
        if not location.endswith(suffixes):
            raise RunError(f"{EXTRA} names {location}, which is not a {', '.join(suffixes)} file: name one.")
        # Each in a folder of its own: a module is found by its folder.
        target = folder / "python" / str(number) / PurePosixPath(unquote(location)).name
        _copy(workspace, location, target, f"correct {EXTRA}")
        copies.append(target)
    return copies


def on_path(file: Path) -> str:
    """The entry of ``PYTHONPATH`` by which Python finds what is in a file: an archive itself, a module's folder."""
    return str(file.parent if file.suffix == ".py" else file)


def _copy(workspace: Workspace, location: str, target: Path, advice: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if location.startswith(S3):
        _download(workspace, location, target, advice)
        return
    path = unquote(urlsplit(location).path) if location.startswith("file:") else location
    candidates = workspace.content(path)  # of which an absolute path has one
    try:
        target.write_bytes(next(filter(Path.is_file, candidates), candidates[0]).read_bytes())
    except OSError as error:
        raise RunError(f"{location} cannot be read ({error.strerror}): put it there, or {advice}.") from error


def _download(workspace: Workspace, location: str, target: Path, advice: str) -> None:
    bucket, key = split_uri(location)
    try:
        s3_client(workspace).download_file(bucket, key, str(target))
    except botocore.exceptions.ClientError as error:
        problem = error.response["Error"].get("Message") or error
        raise RunError(f"{location} cannot be read ({problem}): upload it, or {advice}.") from error
    except botocore.exceptions.BotoCoreError as error:
        raise RunError(f"{location} cannot be read: the object store does not answer ({error}).") from error
