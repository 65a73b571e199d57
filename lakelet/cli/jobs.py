"""``lakelet jobs``: submit and follow job runs, through the operations that every AWS client uses."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from lakelet.cli.output import Format, OutputOption, show_message, show_record, show_rows
from lakelet.jobs.logs import Stream

if TYPE_CHECKING:
    from lakelet.jobs.client import JobClient, JobRun, Submitted
    from lakelet.jobs.engines import Choice
    from lakelet.workspace.paths import Workspace

app = typer.Typer(help="Submit and follow job runs.", no_args_is_help=True, add_completion=False)

INTERRUPTED = 130
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or enough of its beginning.")]


@app.command("list", epilog="Example: lakelet jobs list --output json")
def list_jobs(output: OutputOption = Format.text) -> None:
    """Show the registered jobs, and those of the library that are registered when they are first submitted."""
    from lakelet.jobs import definitions
    from lakelet.workspace.paths import Workspace

    registered = {job["Name"]: job for job in _client().jobs()}
    folders = definitions.library(Workspace.find())
    library = {name: definitions.read_job(folder) for name, folder in folders.items() if name not in registered}
    rows = [
        {
            "name": name,
            "type": job["Command"]["Name"],
            "registered": name in registered,
            "description": job.get("Description", ""),
            "script": job["Command"]["ScriptLocation"],
        }
        for name, job in sorted({**library, **registered}.items())
    ]
    show_rows(rows, output, ("name", "type", "registered", "description"))


@app.command(epilog="Example: lakelet jobs submit silver_flights --arg month=1 --wait")
def submit(
    what: Annotated[str, typer.Argument(metavar="NAME_OR_SCRIPT", help="A job's name, or the path of a script.")],
    arg: Annotated[list[str] | None, typer.Option("--arg", metavar="K=V", help="An argument of the script.")] = None,
    engine: Annotated[str | None, typer.Option(help="What runs a Glue job: spark, sail or auto.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the run to its end; exit code 4 if it fails.")] = False,
    timeout: Annotated[int | None, typer.Option(help="Minutes after which the run is ended.", min=1)] = None,
    output: OutputOption = Format.text,
) -> None:
    """Start a run of a job of the library, of a registered job, or of a script."""
    from lakelet.jobs import engines
    from lakelet.workspace.errors import UsageError

    if engine is not None and engine not in engines.ENGINES:
        raise UsageError(f"Unknown engine {engine!r}: use {', '.join(engines.ENGINES)}.")
    client = _client()
    arguments = _arguments(arg or []) | ({engines.ARGUMENT: engine} if engine is not None else {})
    submitted = client.submit(what, arguments, timeout)
    if not wait:
        text = f"{submitted.run_id}\nFollow it with `lakelet jobs show {submitted.run_id[:11]}`."
        show_message(text, output, job=submitted.job, run=submitted.run_id)
        return
    _conclude(_wait(client, submitted, sys.stdout if output is Format.text else sys.stderr), output)


@app.command(epilog="Example: lakelet jobs test flights_silver")
def test(
    job: Annotated[
        str | None, typer.Argument(metavar="[JOB]", help="A job; without it, every job of the project.")
    ] = None,
    output: OutputOption = Format.text,
) -> None:
    """Run the fixtures of the project's jobs on Sail, in a stack that is thrown away; exit code 4 if one fails."""
    from lakelet.jobs import fixtures
    from lakelet.workspace.control import call
    from lakelet.workspace.errors import RunError
    from lakelet.workspace.paths import Workspace

    cases = fixtures.cases(Workspace.find(), job)
    failed = 0
    with _ephemeral() as workspace:
        call(workspace, "POST", "warm-sail", {})  # else the first case would import all, beside those who come after it
        rows = []
        for case in cases:
            began = time.monotonic()
            call(workspace, "POST", "reset", {})
            problems = fixtures.problems(workspace, case)
            failed += bool(problems)
            result = "FAILED" if problems else "PASSED"
            rows.append(
                {
                    "case": case.name,
                    "result": result,
                    "seconds": round(time.monotonic() - began, 2),
                    "problems": problems,
                }
            )
            for problem in problems if output is Format.text else ():
                print(f"{case.name}: {problem}", file=sys.stderr)
    show_rows(rows, output, ("case", "result", "seconds"))
    if failed:
        raise RunError(f"{failed} of {len(cases)} fixtures failed.")


@contextmanager
def _ephemeral() -> Iterator[Workspace]:
    """The ephemeral stack that the environment points at, or one for the time being."""
    from lakelet.cli.up import bring_up
    from lakelet.stack.ephemeral import COMPONENTS, new_workspace
    from lakelet.stack.operate import stop
    from lakelet.workspace.paths import EPHEMERAL, Workspace

    mine = Workspace.find()
    if (mine.state / EPHEMERAL).exists():
        yield mine
        return
    workspace = new_workspace()
    try:
        bring_up(workspace, COMPONENTS)
        yield workspace
    finally:
        stop(workspace)


@app.command(epilog="Example: lakelet jobs runs silver_flights")
def runs(
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="A job's name; without it, every job.")] = None,
    limit: Annotated[int, typer.Option(help="How many of a job's newest runs.", min=1)] = 20,
    output: OutputOption = Format.text,
) -> None:
    """Show the runs of a job, or of every job, the newest first."""
    from itertools import islice

    from lakelet.jobs import engines
    from lakelet.workspace.paths import Workspace

    client = _client()
    names = [job] if job is not None else [one["Name"] for one in client.jobs()]
    found = [run for name in names for run in islice(client.runs(name), limit)]
    found.sort(key=lambda run: run["StartedOn"], reverse=True)
    folder = Workspace.find().runs
    rows = [_row(run, engines.noted(folder / run["Id"])) for run in found]
    if output is Format.text:
        rows = [row | {"run": _short(row["run"])} for row in rows]
    show_rows(rows, output, ("run", "job", "state", "engine", "attempt", "started", "seconds", "reason"))


@app.command(epilog="Example: lakelet jobs show jr_3f2a")
def show(run: RunArgument, output: OutputOption = Format.text) -> None:
    """Show one run."""
    client, found = _client(), _find(run)
    show_record(_record(client.run(found.job, found.run_id)), output)


@app.command(epilog="Example: lakelet jobs logs jr_3f2a --stream error -f")
def logs(
    run: RunArgument,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until the run ends.")] = False,
    stream: Annotated[
        Stream, typer.Option(help="The script's stdout, its stderr with Spark's log, or the executors.")
    ] = Stream.driver,
    output: OutputOption = Format.text,
) -> None:
    """Show what a run wrote."""
    from lakelet.jobs import logs as run_logs
    from lakelet.jobs.client import has_ended
    from lakelet.workspace.paths import Workspace

    workspace, found = Workspace.find(), _find(run)
    if follow:
        client = _client()
        lines = run_logs.follow(
            workspace, found.run_id, stream, lambda: has_ended(client.patiently(found.job, found.run_id))
        )
    else:
        lines = run_logs.read(workspace, found.run_id, stream)
    for line in lines:
        if output is Format.json:
            print(json.dumps({"source": line.source, "text": line.text}), flush=follow)
        else:
            print(f"[{line.source}] {line.text}" if stream is Stream.executors else line.text, flush=follow)


@app.command(epilog="Example: lakelet jobs stop jr_3f2a")
def stop(run: RunArgument, output: OutputOption = Format.text) -> None:
    """Ask a run to end; `lakelet jobs show` shows when it has."""
    found = _find(run)
    _client().stop(found.job, found.run_id)
    show_message(f"Run {_short(found.run_id)} of {found.job} is being stopped.", output, run=found.run_id)


def _client() -> JobClient:
    from lakelet.jobs.client import JobClient
    from lakelet.workspace.paths import Workspace

    return JobClient(Workspace.find())


def _find(text: str) -> Submitted:
    from lakelet.jobs.client import find_run
    from lakelet.workspace.paths import Workspace

    return find_run(Workspace.find(), text)


def _arguments(pairs: list[str]) -> dict[str, str]:
    from lakelet.workspace.errors import UsageError

    arguments = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip("-"):
            raise UsageError(f"--arg {pair!r} has no K=V form: write --arg month=1.")
        arguments["--" + name.removeprefix("--")] = value
    return arguments


class _DriverOutput:
    """Prints what a run's driver writes to stdout, in a thread, while the run is waited for."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._run_id = ""
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, run_id: str) -> None:
        """Print the output of this run from now on; the output of the one before is printed to its end."""
        if run_id != self._run_id:
            self.finish()
            self._run_id, self._ended = run_id, threading.Event()
            self._thread = threading.Thread(target=self._print, args=(run_id, self._ended), daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Print the rest; the run has ended."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _print(self, run_id: str, ended: threading.Event) -> None:
        from lakelet.jobs import logs as run_logs
        from lakelet.workspace.paths import Workspace

        for line in run_logs.follow(Workspace.find(), run_id, Stream.driver, ended.is_set):
            print(line.text, file=self._file, flush=True)


def _wait(client: JobClient, submitted: Submitted, file: TextIO) -> JobRun:
    """Follow a run and print its driver's output; Ctrl-C asks whether to stop it, and leaves it running when there is
    nobody to ask."""
    from lakelet.jobs.client import Submitted
    from lakelet.workspace.errors import RunError

    current = submitted
    driver = _DriverOutput(file)

    def notice(run: JobRun) -> None:
        nonlocal current
        current = Submitted(submitted.job, run["Id"])  # a retry is a run of its own, and what there is to stop
        driver.follow(run["Id"])
        _tell(run)

    print(submitted.run_id, file=sys.stderr)
    while True:
        try:
            run = client.wait(current, notice)
            driver.finish()
            return run
        except KeyboardInterrupt:
            if not _agreed("Stop the run?"):
                short = _short(current.run_id)
                print(f"Run {short} is still running; stop it with `lakelet jobs stop {short}`.", file=sys.stderr)
                raise SystemExit(INTERRUPTED) from None
            try:
                client.stop(current.job, current.run_id)
            except RunError as error:  # it ended while we asked: wait() says how
                print(error, file=sys.stderr)


def _agreed(question: str) -> bool:
    """Ask on stderr, for stdout may be a pipe; no when there is nobody to ask."""
    if not sys.stdin.isatty():
        return False
    print(f"\n{question} [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return False


def _tell(run: JobRun) -> None:
    detail = run.get("StateDetail")
    attempt = f" (attempt {run['Attempt'] + 1})" if run["Attempt"] else ""
    print(f"{run['JobRunState']}{attempt}{f': {detail}' if detail else ''}", file=sys.stderr, flush=True)


def _conclude(run: JobRun, output: Format) -> None:
    from lakelet.jobs import logs as run_logs
    from lakelet.workspace.errors import RunError
    from lakelet.workspace.paths import Workspace

    show_record(_record(run), output)
    if run["JobRunState"] != "SUCCEEDED":
        workspace, short = Workspace.find(), _short(run["Id"])
        stream = run_logs.failure_stream(workspace, run["Id"])
        if run["JobRunState"] == "FAILED" and stream is Stream.error:  # the driver's output is on the screen already
            for line in run_logs.last_lines(workspace, run["Id"], stream):
                print(line.text, file=sys.stderr)
        reason = run.get("ErrorMessage") or run.get("StateDetail") or "no reason is known."
        option = "" if stream is Stream.driver else f" --stream {stream}"
        raise RunError(
            f"Run {short} of {run['JobName']} ended in {run['JobRunState']}: {reason}\n"
            f"Show the whole output with `lakelet jobs logs {short}{option}`."
        )


def _record(run: JobRun) -> dict[str, Any]:
    from lakelet.etl import transformation_contexts
    from lakelet.jobs import engines
    from lakelet.workspace.paths import Workspace

    folder = Workspace.find().runs / run["Id"]
    choice = engines.noted(folder)
    return _row(run, choice) | {
        "engine_reason": choice.reason if choice else None,
        "ended": run.get("CompletedOn"),
        "previous": run.get("PreviousRunId"),
        "arguments": run.get("Arguments", {}),
        "transformation_ctx": transformation_contexts.recorded(folder),
        "timeout_minutes": run.get("Timeout"),
    }


def _row(run: JobRun, choice: Choice | None) -> dict[str, Any]:
    return {
        "run": run["Id"],
        "job": run["JobName"],
        "state": run["JobRunState"],
        "engine": choice.engine if choice else None,
        "attempt": run["Attempt"],
        "started": run["StartedOn"],
        "seconds": run["ExecutionTime"],
        "reason": run.get("ErrorMessage") or run.get("StateDetail") or "",
    }


def _short(run_id: str) -> str:
    base, _, attempt = run_id.partition("_attempt_")
    return base[:11] + (f"_attempt_{attempt}" if attempt else "")
