"""From a run's record to a process: its argv, its environment, its folder.

``Run.spec`` has one of two forms:

- ``{"argv": [...]}``: that program, as it is. ``{python}`` as first word means this Python. ``"env": {...}`` adds to
  the environment. Any room may submit such a run (crawls do).
- ``{"command": "glueetl" | "pythonshell", "script": "s3://… or a path"}``: a Glue job. Its ``arguments`` become
  ``--name value`` words of the script, as Glue passes them. ``"engine": {"engine", "reason"}`` of a glueetl job is
  what runs it (jobs/engines.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lakelet.jobs import datalake, engines, fallback
from lakelet.jobs.definitions import SPARK, special
from lakelet.jobs.sail import sail_argv, sail_environment
from lakelet.jobs.scripts import copy_extra_files, copy_script, on_path
from lakelet.jobs.spark import RUN_PROPERTY, python_path, spark_environment, submit_argv
from lakelet.jobs.warm import Start, WarmDrivers
from lakelet.workspace import output, shim
from lakelet.workspace.environment import client_environment
from lakelet.workspace.errors import RunError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.process import Identity
from lakelet.workspace.runs import RUN_VARIABLE, Run
from lakelet.workspace.settings import SETTINGS

PYTHON = "{python}"
MASTER, WORKER = "spark-master", "spark-worker-1"  # components of the stack, without which Spark runs nothing
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


def start(
    workspace: Workspace,
    run: Run,
    warm: Mapping[str, WarmDrivers] | None = None,
    components: Collection[str] | None = None,
) -> Identity:
    """Launch a run under its shim, which leads a session of its own; a Glue job by a warm driver if there is one.

    The driver works in a folder below the run's: no file that it writes where it stands is taken for one of ours.
    ``components`` are those of the stack, None when it is not known. Raises :class:`~lakelet.workspace.errors.RunError`
    when the script cannot be had, and when the run needs Spark, which the stack was started without.
    """
    folder = folder_of(workspace, run.id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    script = copy_script(workspace, str(run.spec["script"]), folder) if "script" in run.spec else None
    extra = copy_extra_files(workspace, run, folder)
    choice = choice_of(run)
    if choice is not None and script is not None:
        lacking = [] if _names_master(run, script) else without_spark(workspace, components)
        if lacking and choice.engine == engines.SPARK:
            raise RunError(_no_spark(workspace, choice, lacking))
        engines.note(folder, choice)
        if choice.may_change and not lacking:
            fallback.offer(folder, *_on_spark(workspace, run, script, extra))
        drivers = (warm or {}).get(choice.engine)
        if drivers is not None and (taken_by := _take(workspace, drivers, run, folder, script, extra, choice)):
            return taken_by
    work = folder / "work"
    work.mkdir(exist_ok=True)
    program = _program(workspace, run, script, extra, choice)
    env = {**environment(workspace), **run_environment(run), **program.env}
    return shim.launch(folder, program.argv, env=env, cwd=work, timeout_seconds=run.timeout_seconds)


def choice_of(run: Run) -> engines.Choice | None:
    """The engine of a run, and why; None for a run of another kind than Glue's Spark jobs."""
    return engines.choice_of(run.spec) if run.spec.get("command") == SPARK else None


def without_spark(workspace: Workspace, components: Collection[str] | None) -> list[str]:
    """The components that Spark needs and a stack of these ``components`` (None: not known) was started without."""
    if components is None or workspace.settings.text("spark_master"):  # a cluster of somebody else's
        return []
    return [name for name in (MASTER, WORKER) if name not in components]


def _names_master(run: Run, script: Path) -> bool:
    """Whether a job has a Spark master of its own (``local[2]``, say) in ``--conf``, or perhaps in its script."""
    return "spark.master" in engines.spark_conf(run.arguments) or b"aster(" in script.read_bytes()


def _no_spark(workspace: Workspace, choice: engines.Choice, lacking: Sequence[str]) -> str:
    words = [word for name in ("minio", "control", MASTER, WORKER) for word in ("--only", name)]
    remedy = f"lakelet up --ephemeral {' '.join(words)}" if workspace.ephemeral else "lakelet up"
    return (
        f"The run needs Spark ({choice.reason}), but the stack was started without {' and '.join(lacking)}: start one "
        f"that has them (`lakelet down`, then `{remedy}`; in pytest, name them in lakelet_components)."
    )


def _take(
    workspace: Workspace,
    drivers: WarmDrivers,
    run: Run,
    folder: Path,
    script: Path,
    extra: Sequence[Path],
    choice: engines.Choice,
) -> Identity | None:
    on_sail = choice.engine == engines.SAIL
    if on_sail and extra:  # the path of a Python is set when it starts
        return None
    properties = {} if on_sail else spark_properties_of(workspace, run, extra)
    modules = [] if on_sail else list(map(str, datalake.python_files(workspace, run.arguments)))
    begin = Start(str(script), script_arguments(run), run_environment(run), properties, modules)
    return drivers.take(folder, begin, run.timeout_seconds)


def run_environment(run: Run) -> dict[str, str]:
    """What a run finds in its environment about itself."""
    return {RUN_VARIABLE: run.id, "LAKELET_JOB_NAME": run.name, "LAKELET_ATTEMPT": str(run.attempt)}


def environment(workspace: Workspace) -> dict[str, str]:
    """What every run finds in its environment (docs/architecture.md): the way back to this workspace."""
    settings = (*(setting.variable for setting in SETTINGS), S3_SECRET_VARIABLE)
    inherited = {name: value for name in (*INHERITED, *settings) if (value := os.environ.get(name)) is not None}
    return {
        **inherited,
        **workspace.environment,
        **client_environment(workspace),
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
        output.VARIABLE: workspace.settings.text("run_output_mb"),
    }


def _program(
    workspace: Workspace, run: Run, script: Path | None, extra: Sequence[Path], choice: engines.Choice | None
) -> Program:
    if script is None:
        first, *rest = run.spec["argv"]
        return Program([sys.executable if first == PYTHON else first, *rest], run.spec.get("env", {}))
    arguments = script_arguments(run)
    if choice is not None and choice.engine == engines.SAIL:
        path = os.pathsep.join([*map(on_path, extra), python_path()])
        return Program(sail_argv(script, arguments), {**sail_environment(workspace), "PYTHONPATH": path})
    if choice is not None:
        return Program(*_on_spark(workspace, run, script, extra))
    path = os.pathsep.join([*map(on_path, extra), python_path()])
    return Program([sys.executable, "-u", str(script), *arguments], {"PYTHONPATH": path})


def _on_spark(
    workspace: Workspace, run: Run, script: Path, extra: Sequence[Path]
) -> tuple[list[str], Mapping[str, str]]:
    """The words and the environment of a Glue job on the cluster."""
    argv = submit_argv(workspace, script, script_arguments(run), conf=spark_properties_of(workspace, run, extra))
    modules = os.pathsep.join([python_path(), *map(str, datalake.python_files(workspace, run.arguments))])
    return argv, {**spark_environment(workspace), "PYTHONPATH": modules}


def script_arguments(run: Run) -> list[str]:
    """The words after the script's name. Glue passes every job argument but those it consumes itself, and adds
    JOB_NAME, JOB_ID and JOB_RUN_ID (AWS Glue Developer Guide, "Using job parameters in AWS Glue jobs")."""
    own = {"--JOB_NAME": run.name, "--JOB_ID": f"j_{run.name}", "--JOB_RUN_ID": run.id}
    words: list[str] = []
    for name, value in (own | {k: v for k, v in run.arguments.items() if not special(k)}).items():
        # A flag of Glue's (--enable-metrics) may come without a value.
        words += [name, value] if value else [name]
    return words


def spark_properties_of(workspace: Workspace, run: Run, extra: Sequence[Path]) -> dict[str, str]:
    """The Spark properties of a run: its name, cores and ``extra`` files, those of ``--conf`` and of its formats."""
    own = {"spark.app.name": run.name, RUN_PROPERTY: run.id}
    own |= {"spark.cores.max": str(run.cores)} if run.cores else {}
    files = {"spark.submit.pyFiles": ",".join(map(str, extra))} if extra else {}
    return own | datalake.properties(workspace, run.arguments, engines.spark_conf(run.arguments)) | files
