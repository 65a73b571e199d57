"""From a run's record to a process: its argv, its environment, its folder.

``Run.spec`` has one of two forms:

- ``{"argv": [...]}``: that program, as it is. ``{python}`` as first word means this Python. ``"env": {...}`` adds to
  the environment. Any room may submit such a run (crawls do).
- ``{"command": "glueetl" | "pythonshell", "script": "s3://… or a path"}``: a Glue job. Its ``arguments`` become
  ``--name value`` words of the script, as Glue passes them.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import botocore.exceptions

from data.objects import s3_client
from data.zones import split_uri
from jobs.definitions import SPARK, special
from workspace import shim
from workspace.environment import client_environment
from workspace.errors import RunError
from workspace.paths import REPOSITORY, Workspace
from workspace.process import Identity
from workspace.runs import Run
from workspace.settings import SETTINGS

PYTHON = "{python}"
S3_SECRET_VARIABLE = "LAKELET_S3_SECRET_KEY"  # noqa: S105 - the name, for an external S3 endpoint
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME", "SSL_CERT_FILE")


@dataclass(frozen=True)
class Program:
    """What to execute: the words, and what they find in their environment beyond the common part."""

    argv: list[str]
    env: Mapping[str, str]


def folder_of(workspace: Workspace, run_id: str) -> Path:
    """Where a run's logs, ``process.json`` and ``exit.json`` lie."""
    return workspace.runs / run_id


def start(workspace: Workspace, run: Run) -> Identity:
    """Launch a run under its shim, which leads a session of its own.

    The driver works in a folder below the run's: no file that it writes where it stands is taken for one of ours.
    Raises :class:`~workspace.errors.RunError` when the script cannot be had.
    """
    folder = folder_of(workspace, run.id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    work = folder / "work"
    work.mkdir(exist_ok=True)
    program = _program(workspace, run, folder)
    env = {**environment(workspace, run), **program.env}
    return shim.launch(folder, program.argv, env=env, cwd=work, timeout_seconds=run.timeout_seconds)


def environment(workspace: Workspace, run: Run) -> dict[str, str]:
    """What every run finds in its environment (docs/architecture.md): the way back to this workspace."""
    settings = (*(setting.variable for setting in SETTINGS), S3_SECRET_VARIABLE)
    inherited = {name: value for name in (*INHERITED, *settings) if (value := os.environ.get(name)) is not None}
    return {
        **inherited,
        **workspace.environment,
        **client_environment(workspace),
        "LAKELET_RUN_ID": run.id,
        "LAKELET_JOB_NAME": run.name,
        "LAKELET_ATTEMPT": str(run.attempt),
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
    }


def _program(workspace: Workspace, run: Run, folder: Path) -> Program:
    if "argv" in run.spec:
        first, *rest = run.spec["argv"]
        return Program([sys.executable if first == PYTHON else first, *rest], run.spec.get("env", {}))
    script = _script(workspace, str(run.spec["script"]), folder)
    arguments = script_arguments(run)
    if run.spec["command"] == SPARK:
        from jobs.spark import spark_environment, submit_argv

        argv = submit_argv(workspace, script, arguments, name=run.name, cores=run.cores, conf=_conf(run))
        return Program(argv, spark_environment(workspace))
    return Program([sys.executable, "-u", str(script), *arguments], {})


def script_arguments(run: Run) -> list[str]:
    """The words after the script's name. Glue passes every job argument but those it consumes itself, and adds
    JOB_NAME, JOB_ID and JOB_RUN_ID (AWS Glue Developer Guide, "Using job parameters in AWS Glue jobs")."""
    own = {"--JOB_NAME": run.name, "--JOB_ID": f"j_{run.name}", "--JOB_RUN_ID": run.id}
    words: list[str] = []
    for name, value in (own | {k: v for k, v in run.arguments.items() if not special(k)}).items():
        # A flag of Glue's (--enable-metrics) may come without a value.
        words += [name, value] if value else [name]
    return words


def _conf(run: Run) -> dict[str, str]:
    """Spark properties of ``--conf``, which Glue writes as ``a=b --conf c=d`` in one argument."""
    text = run.arguments.get("--conf", "")
    pairs = [part.strip().partition("=") for part in text.split("--conf ") if part.strip()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def _script(workspace: Workspace, location: str, folder: Path) -> Path:
    """A copy of the script, as it is now, in a folder of its own below the run's.

    Python puts the script's folder first on its path: what else lies beside the original must not stand in for our
    packages, nor may the script itself.
    """
    name = PurePosixPath(unquote(location)).name
    stem = name.removesuffix(".py")
    if stem.isidentifier() and importlib.util.find_spec(stem) is not None:
        name = f"{stem}_script.py"
    target = folder / "script" / name
    target.parent.mkdir(exist_ok=True)
    if location.startswith(("s3://", "s3a://", "s3n://")):
        _download(workspace, location, target)
        return target
    path = Path(unquote(urlsplit(location).path) if location.startswith("file:") else location)
    try:
        target.write_bytes((path if path.is_absolute() else REPOSITORY / path).read_bytes())
    except OSError as error:
        raise RunError(
            f"The script {location} cannot be read ({error.strerror}): put it there, or correct the job's "
            "ScriptLocation."
        ) from error
    return target


def _download(workspace: Workspace, location: str, target: Path) -> None:
    bucket, key = split_uri(location)
    try:
        s3_client(workspace).download_file(bucket, key, str(target))
    except botocore.exceptions.ClientError as error:
        raise RunError(
            f"The script {location} cannot be read ({error.response['Error'].get('Message') or error}): upload it, "
            "or correct the job's ScriptLocation."
        ) from error
    except botocore.exceptions.BotoCoreError as error:
        raise RunError(f"The script {location} cannot be read: the object store does not answer ({error}).") from error
