"""What a job is: Glue's Job structure, checked, and the runs that follow from it.

The members, their defaults and their limits are those of AWS's Glue Web API reference (CreateJob, StartJobRun) and
of the developer guide's "Using job parameters in AWS Glue jobs".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lakelet.jobs import datalake, engines, needs
from lakelet.workspace.errors import InvalidInputException, NotImplementedException, UsageError
from lakelet.workspace.paths import Workspace
from lakelet.workspace.runs import Run, new_run_id
from lakelet.workspace.settings import Settings

SPARK = "glueetl"
PYTHON_SHELL = "pythonshell"
COMMANDS = (SPARK, PYTHON_SHELL)
LIBRARY = "jobs/library"
ROLE = "lakelet"  # Glue demands a role; nothing is assumed from it here
DEFAULT_TIMEOUT_MINUTES = 2880
DEFAULT_TIMEOUT_MINUTES_FROM_5 = 480
MAX_TIMEOUT_MINUTES = 10080
PYTHON_SHELL_MB = 512

# Members that are stored and returned and change nothing here, with the reason why nothing becomes untrue by it.
KEPT: Mapping[str, str] = {
    "AllocatedCapacity": "AWS has put MaxCapacity in its place",
    "CodeGenConfigurationNodes": "the picture of a visual job; what runs is its script",
    "Connections": "a script reaches any network of this machine, and names the connections that it reads",
    "ExecutionClass": "it chooses between prices; FLEX promises no time of start",
    "GlueVersion": "the Spark of this installation runs; only the default Timeout heeds it, 480 from 5.0 and of auto",
    "JobMode": "how the job was edited",
    "JobRunQueuingEnabled": "a run waits for free cores in any case",
    "LogUri": "AWS reserves it",
    "MaintenanceWindow": "of streaming jobs that AWS restarts; no run here is restarted",
    "NotificationProperty": "there is nobody to notify",
    "SecurityConfiguration": "only one that has every encryption disabled",
    "SourceControlDetails": "where the script is kept otherwise; what runs lies at ScriptLocation",
    "WorkerType": "workers have the cores and memory of the settings, whatever their type",
}  # fmt: skip
# Of members that act: how far.
NOTES: Mapping[str, str] = {
    "Role": "what Lake Formation lets a run read; a run's keys are the workspace's, whatever its Role",
    "Command.Name": "glueetl and pythonshell; gluestreaming and glueray are refused",
    "Command.ScriptLocation": "an object, or a file of this machine",
    "ExecutionProperty.MaxConcurrentRuns": "runs that wait count too",
    "MaxCapacity": "of a Spark job, the number of workers; refused beside WorkerType and NumberOfWorkers",
    "NumberOfWorkers": "of a Spark job, one is the driver; no more executors than the settings have",
}  # fmt: skip
MEMBERS = (
    "Description", "Role", "ExecutionProperty", "Command", "DefaultArguments", "NonOverridableArguments", "MaxRetries",
    "Timeout", "MaxCapacity", "NumberOfWorkers", *KEPT,
)  # fmt: skip
RUN_MEMBERS = (
    "WorkerType", "NumberOfWorkers", "MaxCapacity", "AllocatedCapacity", "GlueVersion", "ExecutionClass", "JobMode",
    "JobRunQueuingEnabled", "MaintenanceWindow", "NotificationProperty", "SecurityConfiguration",
)  # fmt: skip
GLUE_VERSIONS = ("0.9", "1.0", "2.0", "3.0", "4.0", "5.0", "5.1", "6.0", "auto")
WORKER_TYPES = (
    "Standard", "G.025X", "G.1X", "G.2X", "G.4X", "G.8X", "G.12X", "G.16X", "R.1X", "R.2X", "R.4X", "R.8X",
)  # fmt: skip
PYTHON_VERSIONS = ("3", "3.6", "3.9", "3.11")

_SHORT_TIMEOUTS = ("5.0", "5.1", "6.0", "auto")
_BY_WORKERS = ("WorkerType", "NumberOfWorkers")
_ROLE = re.compile(r"(arn:aws[a-z-]*:iam::\d{12}:role/)?[\w+=,.@/-]{1,576}")
_NAME = re.compile(r"[^\x00-\x1f]{1,255}")
# Job parameters that Glue acts upon before the script runs. One that is not served is refused by name, not ignored.
_CONSUMED = ("--conf", "--extra-py-files", datalake.ARGUMENT, engines.ARGUMENT)
REFUSED_ARGUMENTS: Mapping[str, str] = {
    "--additional-python-modules": "Lakelet installs no packages for a run",
    "--class": "Lakelet runs no Scala",
    "--customer-driver-env-vars": "Lakelet sets no variables of the environment for a run",
    "--customer-executor-env-vars": "Lakelet sets no variables of the environment for a run",
    "--encryption-type": "Lakelet does not encrypt what a run writes",
    "--extra-files": "Lakelet copies no files to a run",
    "--extra-jars": "Lakelet adds no jars to a run",
    "--job-bookmark-from": "Lakelet has no job bookmarks",
    "--job-bookmark-to": "Lakelet has no job bookmarks",
    "--pip-install": "Lakelet installs no packages for a run",
    "--python-modules-installer-option": "Lakelet installs no packages for a run",
    "--spark-event-logs-path": "Lakelet keeps Spark's event logs in its state folder",
    "--user-jars-first": "Lakelet adds no jars to a run",
}
# By the argument: the value that promises what Lakelet does not do; any other is kept.
REFUSED_VALUES: Mapping[str, tuple[str, str]] = {
    "--enable-lakeformation-fine-grained-access": ("true", "a script of Lakelet's holds keys to all data"),
    "--job-language": ("scala", "Lakelet runs no Scala"),
    "--library-set": ("analytics", "Lakelet installs no packages for a run"),
}
# Special parameters of AWS that change nothing here; the script is given them as any other argument.
KEPT_ARGUMENTS: Mapping[str, str] = {
    "--auto-scale-within-microbatch": "the number of executors is fixed",
    "--continuous-log-conversionPattern": "there is no CloudWatch",
    "--continuous-log-logGroup": "there is no CloudWatch; `lakelet jobs logs` has the output",
    "--continuous-log-logStreamPrefix": "there is no CloudWatch",
    "--enable-auto-scaling": "the number of executors is fixed",
    "--enable-continuous-cloudwatch-log": "there is no CloudWatch; `lakelet jobs logs` has the output",
    "--enable-continuous-log-filter": "there is no CloudWatch",
    "--enable-glue-datacatalog": "Spark's catalog is the Data Catalog in any case",
    "--enable-job-insights": "a failed run says why in its ErrorMessage",
    "--enable-metrics": "there is no CloudWatch",
    "--enable-observability-metrics": "there is no CloudWatch",
    "--enable-s3-parquet-optimized-committer": "what a run writes is published whole, by Lakelet's own committer",
    "--enable-spark-ui": "Spark's UI and history are there in any case",
    "--executor-cores": "executors have the cores of the settings",
    "--scriptLocation": "Command.ScriptLocation says it",
    "--use-postgres-driver": "there is one driver",
    "--write-shuffle-files-to-s3": "shuffle files lie on this machine",
    "--write-shuffle-spills-to-s3": "shuffle files lie on this machine",
    "--TempDir": "the script is given it, and what it writes there is kept",
}
_OF_SPARK = (engines.ARGUMENT, "--conf", datalake.ARGUMENT)  # nothing that a Python shell job could heed
_BOOKMARK = "--job-bookmark-option"
_BOOKMARKS = ("job-bookmark-enable", "job-bookmark-disable", "job-bookmark-pause")


def special(name: str) -> bool:
    """Whether a job argument is for the launcher and not for the script."""
    return name in _CONSUMED


def check(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A definition with Glue's defaults filled in. Raises InvalidInputException, NotImplementedException."""
    if not _NAME.fullmatch(name):
        raise InvalidInputException(f"{name!r} is not a valid job name: use 1 to 255 printable characters.")
    command = body.get("Command") or {}
    kind = command.get("Name")
    if kind not in COMMANDS:
        raise InvalidInputException(f"Job {name} has the command {kind!r}: use glueetl or pythonshell.")
    location = command.get("ScriptLocation", "")
    if not re.match(r"s3[an]?://[^/]+/.+|file:///|/|jobs/library/", location) or location.endswith("/"):
        raise InvalidInputException(f"Job {name} has the ScriptLocation {location!r}: give s3://bucket/script.py.")
    if runtime := command.get("Runtime"):
        raise NotImplementedException(f"Job {name} has the Runtime {runtime}, which is not served: leave it out.")
    if command.get("PythonVersion", "3") not in PYTHON_VERSIONS:
        raise InvalidInputException(
            f"Job {name} wants Python {command['PythonVersion']}: use one of {', '.join(PYTHON_VERSIONS)}."
        )
    if not _ROLE.fullmatch(body.get("Role", ROLE)):
        raise InvalidInputException(f"Job {name} has the Role {body['Role']!r}: give a role's name or its ARN.")
    version = body.get("GlueVersion")
    if version is not None and version not in GLUE_VERSIONS:
        raise InvalidInputException(f"Job {name} has the GlueVersion {version!r}: AWS has {', '.join(GLUE_VERSIONS)}.")
    _check_number(name, "MaxRetries", body.get("MaxRetries", 0), 0, 10)
    _check_number(name, "Timeout", body.get("Timeout", 1), 1, MAX_TIMEOUT_MINUTES)
    concurrent = (body.get("ExecutionProperty") or {}).get("MaxConcurrentRuns", 1)
    _check_number(name, "MaxConcurrentRuns", concurrent, 1, 1000)
    _check_capacity(name, body)
    check_arguments(body.get("DefaultArguments") or {})
    check_arguments(body.get("NonOverridableArguments") or {})
    defaults = {
        "Role": ROLE,
        "MaxRetries": 0,
        "Timeout": DEFAULT_TIMEOUT_MINUTES_FROM_5 if version in _SHORT_TIMEOUTS else DEFAULT_TIMEOUT_MINUTES,
        "ExecutionProperty": {"MaxConcurrentRuns": 1},
    }
    return defaults | {member: value for member, value in body.items() if value is not None}


def check_update(name: str, update: Mapping[str, Any]) -> dict[str, Any]:
    """A JobUpdate as a whole definition. Raises InvalidInputException, NotImplementedException."""
    if refused := sorted(update.keys() - set(MEMBERS)):
        raise NotImplementedException(f"UpdateJob does not take {', '.join(refused)} yet: leave it out.")
    return check(name, update)


def check_arguments(arguments: Mapping[str, str]) -> None:
    """Refuse job arguments that would not do what they say. Raises InvalidInputException, NotImplementedException."""
    for name, value in arguments.items():
        if "\0" in name + value:
            raise InvalidInputException(
                f"The job argument {name!r} has a NUL character, which cannot be passed to a process."
            )
        if reason := REFUSED_ARGUMENTS.get(name):
            raise NotImplementedException(f"The job argument {name} is not served: {reason}. Leave it out.")
        refused, reason = REFUSED_VALUES.get(name, (None, ""))
        if value.lower() == refused:
            raise NotImplementedException(f"The job argument {name} {value} is not served: {reason}. Leave it out.")
        if not name.startswith("--") or name == "--":
            raise InvalidInputException(f"The job argument {name!r} must begin with --.")
    datalake.formats(arguments)
    bookmark = arguments.get(_BOOKMARK, _BOOKMARKS[1])
    if bookmark not in _BOOKMARKS:
        raise InvalidInputException(f"{_BOOKMARK} {bookmark!r} is not valid: use one of {', '.join(_BOOKMARKS)}.")
    if bookmark != _BOOKMARKS[1]:
        raise NotImplementedException(
            f"{_BOOKMARK} {bookmark}: job bookmarks are not served yet. Leave it out, or use {_BOOKMARKS[1]}."
        )


def new_run(
    job: Mapping[str, Any],
    arguments: Mapping[str, str],
    settings: Settings,
    *,
    sources: engines.Sources | None = None,
    **overrides: Any,
) -> Run:
    """The first attempt of a run of ``job`` (Glue's Job structure), in WAITING. ``sources`` are what its engine is
    chosen by.

    ``overrides`` are StartJobRun's members that the job has too (Timeout, WorkerType, …); a capacity given one way
    takes the place of the job's, given the other way. Raises InvalidInputException, NotImplementedException.
    """
    check_arguments(arguments)
    given = {name: value for name, value in overrides.items() if value is not None}
    _check_capacity(job["Name"], given)
    replaced = _BY_WORKERS if "MaxCapacity" in given else ("MaxCapacity",) if given.keys() & set(_BY_WORKERS) else ()
    body = {**{name: value for name, value in job.items() if name not in replaced}, **given}
    _check_number(job["Name"], "Timeout", body["Timeout"], 1, MAX_TIMEOUT_MINUTES)
    command = body["Command"]
    merged = (job.get("DefaultArguments") or {}) | dict(arguments) | (job.get("NonOverridableArguments") or {})
    if command["Name"] != SPARK and (given_in_vain := [name for name in _OF_SPARK if name in merged]):
        raise InvalidInputException(
            f"Job {job['Name']} is a Python shell job, which uses no Spark: leave {', '.join(given_in_vain)} out."
        )
    choice = engines.choose(job["Name"], merged, settings, sources) if command["Name"] == SPARK else None
    cores, memory_mb = _needs(body, choice, settings)
    return Run(
        id=new_run_id(),
        kind="job",
        name=job["Name"],
        arguments=merged,
        spec={
            "command": command["Name"],
            "script": command["ScriptLocation"],
            "role": body.get("Role", ROLE),
            **({"engine": asdict(choice)} if choice else {}),
            **{member: body[member] for member in RUN_MEMBERS if member in body},
        },
        cores=cores,
        memory_mb=memory_mb,
        timeout_seconds=int(body["Timeout"]) * 60,
        max_retries=int(body["MaxRetries"]),
    )


def _needs(body: Mapping[str, Any], choice: engines.Choice | None, settings: Settings) -> tuple[int, int]:
    """Spark cores and MiB. One of Glue's workers is the driver, the others are executors; without a number a job
    takes the whole cluster. Sail is one process, with as much memory as a Spark driver has."""
    if choice is None:
        return 0, PYTHON_SHELL_MB
    if choice.engine == engines.SAIL:
        return 0, settings.number("driver_memory_mb")
    each = max(settings.number("worker_cores"), 1)
    workers = max(settings.number("workers"), 1)
    wanted = int(body.get("NumberOfWorkers") or body.get("MaxCapacity") or workers + 1) - 1
    executors = min(max(wanted, 1), workers)
    memory = settings.number("driver_memory_mb") + executors * settings.number("executor_memory_mb")
    return executors * each, memory


def _check_capacity(job: str, body: Mapping[str, Any]) -> None:
    if "MaxCapacity" in body and body.keys() & set(_BY_WORKERS):
        raise InvalidInputException(f"Job {job} sets MaxCapacity beside WorkerType or NumberOfWorkers: choose one.")
    worker = body.get("WorkerType")
    if worker == "Z.2X":
        raise NotImplementedException(f"Job {job} has the WorkerType Z.2X, which is Ray's: Lakelet has no Ray.")
    if worker is not None and worker not in WORKER_TYPES:
        raise InvalidInputException(f"Job {job} has the WorkerType {worker!r}: AWS has {', '.join(WORKER_TYPES)}.")


def _check_number(job: str, member: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidInputException(f"Job {job} has {member} {value}: it lies between {least} and {most}.")


# -- the library: jobs/library/<name>/job.toml beside script.py ---------------------------------------------------

_MEMBERS: Mapping[str, type] = {
    "type": str,
    "description": str,
    "timeout_minutes": int,
    "max_retries": int,
    "max_concurrent_runs": int,
    "workers": int,
    "arguments": dict,
}


def library(workspace: Workspace) -> dict[str, Path]:
    """The folders of the jobs in jobs/library, by name, in name order; the project's before those that we ship."""
    found = [path.parent for folder in workspace.content(LIBRARY) for path in folder.glob("*/job.toml")]
    named = {folder.name: folder for folder in reversed(found)}
    return dict(sorted(named.items()))


def read_job(folder: Path) -> dict[str, Any]:
    """CreateJob's members for a folder with ``job.toml`` (docs/jobs.md) and ``script.py``. Raises UsageError."""
    path = folder / "job.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The job {folder.name} cannot be read from {path.name} ({error}): see docs/jobs.md."
        ) from error
    for key, value in values.items():
        if key not in _MEMBERS or not isinstance(value, _MEMBERS[key]):
            raise UsageError(f"{path.name} of the job {folder.name} has {key} = {value!r}: see docs/jobs.md.")
    body: dict[str, Any] = {
        "Name": folder.name,
        "Role": ROLE,
        "Command": {"Name": values.get("type", SPARK), "ScriptLocation": (folder / "script.py").resolve().as_uri()},
        "Description": values.get("description", ""),
        "MaxRetries": values.get("max_retries", 0),
        "Timeout": values.get("timeout_minutes", DEFAULT_TIMEOUT_MINUTES),
        "ExecutionProperty": {"MaxConcurrentRuns": values.get("max_concurrent_runs", 1)},
        "DefaultArguments": {f"--{key}": str(value) for key, value in values.get("arguments", {}).items()},
    }
    if "workers" in values:
        body |= {"NumberOfWorkers": values["workers"], "WorkerType": "G.1X"}
    return body


def script_job(script: Path) -> dict[str, Any]:
    """CreateJob's members for a script that is submitted as it is; the job is named after the file.

    A script that imports Spark or awsglue is a Spark job, another a Python shell job.
    """
    uses_spark = needs.imports_spark(script.read_text(encoding="utf-8", errors="replace"))
    return {
        "Name": script.stem,
        "Role": ROLE,
        "Command": {"Name": SPARK if uses_spark else PYTHON_SHELL, "ScriptLocation": script.resolve().as_uri()},
        "ExecutionProperty": {"MaxConcurrentRuns": 10},
    }
