"""``lakelet up``: install what is missing, start the stack, show it come up."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer

from lakelet.cli.output import Format, OutputOption, show_message, show_rows

if TYPE_CHECKING:
    from lakelet.stack.record import StackRecord
    from lakelet.workspace.paths import Workspace
    from lakelet.workspace.process import Identity

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: lakelet up")
def up(
    only: Annotated[list[str] | None, typer.Option(help="Start only this component (repeat it for more).")] = None,
    ephemeral: Annotated[
        bool, typer.Option("--ephemeral", help="Start an empty stack to throw away: MinIO and the AWS endpoint alone.")
    ] = False,
    lease: Annotated[
        int | None,
        typer.Option(metavar="PID", help="With --ephemeral: end and delete the stack when this process ends."),
    ] = None,
    output: OutputOption = Format.text,
) -> None:
    """Start the stack, and wait until every component has proven that it works.

    Ctrl-C stops what was started. A second `up` says that the stack runs. With --ephemeral it prints export lines for
    a shell, `eval "$(lakelet up --ephemeral)"`, with which every other command means the new stack; `down` deletes it.
    """
    from lakelet.cli.status import with_token
    from lakelet.stack.operate import status
    from lakelet.workspace.errors import UsageError
    from lakelet.workspace.paths import Workspace

    if ephemeral:
        _up_ephemeral(only or (), lease, output)
        return
    if lease is not None:
        raise UsageError("--lease needs --ephemeral: only a stack to throw away ends with the process that started it.")
    workspace = Workspace.find()
    began = time.monotonic()
    fresh = bring_up(workspace, only or ())
    rows = with_token(workspace, status(workspace))
    names = [row["name"] for row in rows]
    if missing := sorted(set(only or ()) - set(names)):
        raise UsageError(
            f"The stack runs already, without {', '.join(missing)}: it has {', '.join(names)}; end it with "
            "`lakelet down` to start others."
        )
    if output is Format.json:
        show_rows(rows, output)
        return
    text = f"The stack runs ({time.monotonic() - began:.1f} s)." if fresh else "The stack runs already."
    show_rows(rows, output, ("name", "state", "pid", "url", "ready_seconds"))
    show_message(text, output)


def _up_ephemeral(only: Collection[str], lease: int | None, output: Format) -> None:
    from lakelet.cli.env import print_exports
    from lakelet.stack.ephemeral import COMPONENTS, new_workspace
    from lakelet.stack.operate import stop
    from lakelet.workspace.environment import client_environment
    from lakelet.workspace.errors import UsageError
    from lakelet.workspace.process import Identity

    try:
        starter = Identity.of(lease) if lease is not None else None
    except ProcessLookupError:
        raise UsageError(f"No process has the pid {lease}: --lease needs one that is running.") from None
    workspace = new_workspace()
    try:
        bring_up(workspace, only or COMPONENTS, starter)
    except BaseException:
        stop(workspace)
        raise
    print_exports({**workspace.environment, **client_environment(workspace)}, output)


def bring_up(workspace: Workspace, only: Collection[str] = (), lease: Identity | None = None) -> bool:
    """Install what is missing and start the stack, showing both; returns False when it ran already."""
    from lakelet.restore import refuse_interrupted
    from lakelet.stack.components import component_names
    from lakelet.stack.install import installing
    from lakelet.stack.minio import NAME as MINIO
    from lakelet.stack.operate import start, stop
    from lakelet.stack.platforms import check_platform

    names = component_names(workspace, only)  # a name that is none is refused before anything is done
    check_platform(workspace)
    refuse_interrupted(workspace)
    with installing(workspace) as installation:
        # MinIO takes minutes to build. The supervisor starts it when it is there, and the others meanwhile.
        installation.wait(but={MINIO} & set(names))
        display = Display(redraws=not installation.parts)

        def watch(record: StackRecord) -> None:
            installation.check()
            display.show(record)

        fresh = True
        try:
            fresh = start(workspace, only, watch, lease)
            installation.wait()
        except KeyboardInterrupt:
            if not fresh:
                raise  # the stack ran before
            print("\nStopping what was started…", file=sys.stderr)
            stop(workspace)
            raise SystemExit(130) from None
        finally:
            display.end()
    return fresh


class Display:
    """The components' states as they change, on stderr: redrawn on a terminal, a line per change elsewhere.

    Not redrawn either while the bars of an installation are: without ``redraws``.
    """

    def __init__(self, redraws: bool = True) -> None:
        self._seen: dict[str, str] = {}
        self._notes = 0
        self._drawn = 0
        self._terminal = redraws and sys.stderr.isatty()

    def show(self, record: StackRecord) -> None:
        """Draw a record of the stack."""
        for note in record.notes[self._notes :]:
            self._clear()
            print(note, file=sys.stderr)
        self._notes = len(record.notes)
        now = time.time()
        if not self._terminal:
            for component in record.components:
                if self._seen.get(component.name) != component.state:
                    self._seen[component.name] = component.state
                    print(f"{now - record.started_at:5.1f} s  {component.name:16} {component.state}", file=sys.stderr)
            return
        self._clear()
        for component in record.components:
            seconds = component.ready_seconds if component.state == "RUNNING" else now - (component.since or now)
            print(f"  {component.name:16} {component.state:9} {seconds or 0:5.1f} s", file=sys.stderr)
        self._drawn = len(record.components)

    def end(self) -> None:
        """Leave the terminal to what comes next."""
        self._clear()

    def _clear(self) -> None:
        if self._drawn:
            print(f"\x1b[{self._drawn}A\x1b[J", end="", file=sys.stderr)
            self._drawn = 0
