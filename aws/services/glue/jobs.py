"""Glue's job operations (AWS Glue Web API, Jobs and Job runs), over the job store and the runner."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from lakelet.aws import paging
from lakelet.aws.context import Context, current
from lakelet.aws.services.glue._answers import arn
from lakelet.aws.services.glue._members import check_security_configuration
from lakelet.aws.services.glue._tagged import forget_tags, page_by_tags
from lakelet.data.objects import list_objects, s3_client
from lakelet.data.zones import split_uri
from lakelet.jobs import definitions, engines
from lakelet.jobs.scripts import read_script
from lakelet.workspace.errors import EntityNotFoundException, InvalidInputException, LakeletError, UsageError
from lakelet.workspace.runs import ENDED, Run, RunState
from lakelet.workspace.state import reading, writing

PAGE = 100
RUNS_PAGE = 200


def create_job(
    name: str,
    role: str,
    command: Mapping[str, Any],
    description: str | None = None,
    execution_property: Mapping[str, Any] | None = None,
    default_arguments: Mapping[str, str] | None = None,
    non_overridable_arguments: Mapping[str, str] | None = None,
    max_retries: int | None = None,
    timeout: int | None = None,
    max_capacity: float | None = None,
    glue_version: str | None = None,
    number_of_workers: int | None = None,
    worker_type: str | None = None,
    execution_class: str | None = None,
    allocated_capacity: int | None = None,
    code_gen_configuration_nodes: Mapping[str, Any] | None = None,
    connections: Mapping[str, Any] | None = None,
    job_mode: str | None = None,
    job_run_queuing_enabled: bool | None = None,
    log_uri: str | None = None,
    maintenance_window: str | None = None,
    notification_property: Mapping[str, Any] | None = None,
    security_configuration: str | None = None,
    source_control_details: Mapping[str, Any] | None = None,
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """CreateJob: AlreadyExistsException, InvalidInputException."""
    body = {
        "Role": role, "Command": command, "Description": description, "ExecutionProperty": execution_property,
        "DefaultArguments": default_arguments, "NonOverridableArguments": non_overridable_arguments,
        "MaxRetries": max_retries, "Timeout": timeout, "MaxCapacity": max_capacity, "GlueVersion": glue_version,
        "NumberOfWorkers": number_of_workers, "WorkerType": worker_type, "ExecutionClass": execution_class,
        "AllocatedCapacity": allocated_capacity, "CodeGenConfigurationNodes": code_gen_configuration_nodes,
        "Connections": connections, "JobMode": job_mode, "JobRunQueuingEnabled": job_run_queuing_enabled,
        "LogUri": log_uri, "MaintenanceWindow": maintenance_window, "NotificationProperty": notification_property,
        "SecurityConfiguration": security_configuration, "SourceControlDetails": source_control_details,
    }  # fmt: skip
    context = current()
    _check_security(context, security_configuration)
    given = {member: value for member, value in body.items() if value is not None}
    context.jobs.create_job(name, definitions.check(name, given))
    if tags:
        try:
            with writing(context.engine) as connection:
                context.catalog.tags.put(connection, arn(context, "job", name), tags)
        except LakeletError:  # tags that AWS does not take: then there is no job either
            context.jobs.delete_job(name)
            raise
    return {"Name": name}


def update_job(job_name: str, job_update: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateJob: the whole definition is replaced, as AWS does; one without a Command keeps the job's, for without it
    there would be nothing to run. EntityNotFoundException, InvalidInputException."""
    context = current()
    _check_security(context, job_update.get("SecurityConfiguration"))
    update = {"Command": context.jobs.job(job_name)["Command"], **job_update}
    context.jobs.replace_job(job_name, definitions.check_update(job_name, update))
    return {"JobName": job_name}


def get_job(job_name: str) -> dict[str, Any]:
    """GetJob: EntityNotFoundException."""
    return {"Job": current().jobs.job(job_name)}


def get_jobs(next_token: str | None = None, max_results: int = PAGE) -> dict[str, Any]:
    """GetJobs: the definitions, by name. InvalidInputException for a foreign NextToken."""
    jobs, more = _page_of_jobs("GetJobs", next_token, max_results)
    return {"Jobs": list(jobs), **more}


def list_jobs(
    next_token: str | None = None, max_results: int = PAGE, tags: dict[str, str] | None = None
) -> dict[str, Any]:
    """ListJobs: the names, of those that have all of the tags. InvalidInputException for a foreign NextToken."""
    if tags:
        names, token = page_by_tags("ListJobs", "job", tags, next_token, max_results, current().jobs.jobs)
        return {"JobNames": names, **token}
    jobs, more = _page_of_jobs("ListJobs", next_token, max_results)
    return {"JobNames": [job["Name"] for job in jobs], **more}


def delete_job(job_name: str) -> dict[str, Any]:
    """DeleteJob: no error when there is no such job, as AWS documents."""
    current().jobs.delete_job(job_name)
    forget_tags(current(), "job", job_name)
    return {"JobName": job_name}


def start_job_run(
    job_name: str,
    arguments: Mapping[str, str] | None = None,
    timeout: int | None = None,
    max_capacity: float | None = None,
    worker_type: str | None = None,
    number_of_workers: int | None = None,
    allocated_capacity: int | None = None,
    execution_class: str | None = None,
    job_run_queuing_enabled: bool | None = None,
    notification_property: Mapping[str, Any] | None = None,
    security_configuration: str | None = None,
    job_run_id: str | None = None,
) -> dict[str, Any]:
    """StartJobRun: EntityNotFoundException, ConcurrentRunsExceededException, InvalidInputException.

    With ``job_run_id``, a new run of that run's arguments, of the job as it is now: its retries count anew, and that
    run is its PreviousRunId. AWS's pages do not say what Arguments beside it do: here each takes the place of that
    run's.
    """
    context = current()
    job = context.jobs.job(job_name)
    if job_run_id is not None:
        arguments = {**_run(job_name, job_run_id).arguments, **(arguments or {})}
    _check_security(context, security_configuration or job.get("SecurityConfiguration"))
    run = definitions.new_run(
        job,
        arguments or {},
        context.workspace.settings,
        sources=_sources(context, job["Command"]["ScriptLocation"]),
        Timeout=timeout,
        MaxCapacity=max_capacity,
        WorkerType=worker_type,
        NumberOfWorkers=number_of_workers,
        AllocatedCapacity=allocated_capacity,
        ExecutionClass=execution_class,
        JobRunQueuingEnabled=job_run_queuing_enabled,
        NotificationProperty=notification_property,
        SecurityConfiguration=security_configuration,
    )
    run = replace(run, previous_id=job_run_id)
    context.runner.submit(run, max_concurrent=job["ExecutionProperty"].get("MaxConcurrentRuns", 1))
    return {"JobRunId": run.id}


def _check_security(context: Context, name: str | None) -> None:
    with reading(context.engine) as connection:
        check_security_configuration(context, connection, name)


def _sources(context: Context, script: str) -> engines.Sources:
    """What the engine of a run is chosen by."""

    def table(database: str, name: str) -> Mapping[str, Any] | None:
        try:
            return {**context.catalog.get_table(database, name).definition, "Name": name}
        except EntityNotFoundException:  # one that the job makes
            return None

    def sizes(folder: str) -> Iterator[int]:
        with suppress(ClientError, UsageError):  # of what is not there the run will tell
            yield from (one.size for one in list_objects(s3_client(context.workspace), *split_uri(folder)))

    return engines.Sources(lambda: read_script(context.workspace, script), table, sizes)


def get_job_run(job_name: str, run_id: str, predecessors_included: bool | None = None) -> dict[str, Any]:
    """GetJobRun: EntityNotFoundException. No run has predecessors here, since there are no workflows."""
    return {"JobRun": _job_run(_run(job_name, run_id))}


def get_job_runs(job_name: str, next_token: str | None = None, max_results: int = RUNS_PAGE) -> dict[str, Any]:
    """GetJobRuns: the newest first. EntityNotFoundException when there is neither the job nor a run of it."""
    store, request = current().jobs, ("GetJobRuns", job_name)
    before = paging.position(next_token, *request)
    page, more = paging.split_page(store.runs("job", job_name, before, max_results + 1), max_results)
    if not page and next_token is None:
        store.job(job_name)
    token = {"NextToken": paging.next_token(str(store.ordinal(page[-1].id)), *request)} if more else {}
    return {"JobRuns": [_job_run(run) for run in page], **token}


def batch_stop_job_run(job_name: str, job_run_ids: Sequence[str]) -> dict[str, Any]:
    """BatchStopJobRun: a run that does not exist or has ended is an error of its own; the others are stopped."""
    stopped, errors = [], []
    for run_id in job_run_ids:
        try:
            run = _run(job_name, run_id)
            if run.ended:
                raise InvalidInputException(f"Run {run_id} has ended already, in {run.state}.")
            current().runner.stop(run_id)
            stopped.append({"JobName": job_name, "JobRunId": run_id})
        except (EntityNotFoundException, InvalidInputException) as error:
            detail = {"ErrorCode": error.code, "ErrorMessage": str(error)}
            errors.append({"JobName": job_name, "JobRunId": run_id, "ErrorDetail": detail})
    return {"SuccessfulSubmissions": stopped, "Errors": errors}


def _run(job_name: str, run_id: str) -> Run:
    run = current().jobs.run(run_id)
    if run.kind != "job" or run.name != job_name:
        raise EntityNotFoundException(f"Job {job_name} has no run {run_id}.")
    return run


def _job_run(run: Run) -> dict[str, Any]:
    failed = run.ended and run.state not in (RunState.SUCCEEDED, RunState.STOPPED)
    moments = [moment for moment in (run.submitted_at, run.started_at, run.ended_at) if moment is not None]
    members: dict[str, Any] = {
        "Id": run.id,
        "Attempt": run.attempt,
        "PreviousRunId": run.previous_id,
        "JobName": run.name,
        "JobRunState": run.state.value,
        "StartedOn": run.submitted_at,
        "LastModifiedOn": max(moments),
        "CompletedOn": run.ended_at,
        "ExecutionTime": _seconds(run),
        "ErrorMessage": run.reason if failed and run.reason else None,
        "StateDetail": run.reason if not failed and run.reason else None,
        "Arguments": run.arguments,
        "Timeout": run.timeout_seconds // 60,
        **{member: run.spec.get(member) for member in definitions.RUN_MEMBERS},
        "PredecessorRuns": [],
    }
    return {member: value for member, value in members.items() if value is not None}


def _seconds(run: Run) -> int:
    """Glue's ExecutionTime: the seconds that the run consumed resources, which waiting does not."""
    if run.started_at is None:
        return 0
    until = run.ended_at if run.state in ENDED and run.ended_at is not None else time.time()
    return max(int(until - run.started_at), 0)


def _page_of_jobs(
    operation: str, token: str | None, max_results: int
) -> tuple[Sequence[dict[str, Any]], dict[str, str]]:
    after = paging.position(token, operation) or ""
    page, more = paging.split_page(current().jobs.jobs(after, max_results + 1), max_results)
    return page, {"NextToken": paging.next_token(page[-1]["Name"], operation)} if more else {}
