"""``lakelet demo``: the main job with a live display, and the rows, seconds and addresses at its end."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakelet.cli.output import Format, OutputOption, show_record

if TYPE_CHECKING:
    from lakelet.demo import Outcome, Step
    from lakelet.workspace.paths import Workspace

app = typer.Typer(add_completion=False)

INTERRUPTED = 130


@app.command(epilog="Example: lakelet demo --months 1")
def demo(
    months: Annotated[int, typer.Option(min=1, max=12, help="How many months of 2013 to load, from January on.")] = 12,
    output: OutputOption = Format.text,
) -> None:
    """Run the main job end to end on real flights: lake, catalog, ETL, quality, Spark, index, boards.

    Starts the stack when it is not up, and leaves it up. Running it again gives the same rows.
    """
    from lakelet.cli.up import bring_up
    from lakelet.demo import Demo, run
    from lakelet.workspace.paths import Workspace

    workspace = Workspace.find()
    began = time.monotonic()
    bring_up(workspace)
    stack_seconds = time.monotonic() - began
    display = Display()
    outcomes = []
    try:
        for outcome in run(Demo(workspace, range(1, months + 1), display.note), display.start):
            display.end(outcome)
            outcomes.append(outcome)
    except KeyboardInterrupt:
        display.close()
        print("Interrupted: the stack stays up, and `lakelet demo` begins again.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        display.close()
    seconds = time.monotonic() - began
    if output is Format.json:
        show_record(_record(workspace, outcomes, stack_seconds, seconds), output)
    else:
        print(f"\nDone in {seconds:.0f} s (of which {stack_seconds:.0f} s to bring the stack up). Open:")
        for name, address in _addresses(workspace).items():
            print(f"  {name:18} {address}")


class Display:
    """The steps as they run: the current one redrawn on a terminal, a line per ended step everywhere (on stderr)."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._title = ""
        self._began = 0.0

    def start(self, step: Step) -> None:
        """A step begins."""
        self._title, self._began = step.title, time.monotonic()
        self.note("")

    def note(self, text: str) -> None:
        """Show what the current step is doing, on a terminal."""
        if self._terminal:
            seconds = time.monotonic() - self._began
            print(f"\r\x1b[K  … {self._title} {seconds:5.1f} s  {text[:50]}", end="", file=sys.stderr, flush=True)

    def end(self, outcome: Outcome) -> None:
        """A step ended well."""
        rows = ", ".join(f"{count:,} {name}" for name, count in outcome.counts.items())
        line = f"  ✓ {outcome.step.name:11} {outcome.seconds:6.1f} s  {rows}"
        print(f"\r\x1b[K{line}" if self._terminal else line, file=sys.stderr)

    def close(self) -> None:
        """Leave the terminal on a fresh line."""
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr)


def _record(workspace: Workspace, outcomes: Sequence[Outcome], stack: float, total: float) -> dict[str, Any]:
    return {
        "steps": [{"name": o.step.name, "counts": o.counts, "seconds": round(o.seconds, 1)} for o in outcomes],
        "stack_seconds": round(stack, 1),
        "seconds": round(total, 1),
        "addresses": _addresses(workspace),
    }


def _addresses(workspace: Workspace) -> dict[str, str]:
    from lakelet.workspace.addresses import dashboards_address

    names = {
        "spark history": "spark_history",
        "spark master": "spark_master_ui",
        "opensearch": "opensearch",
        "minio console": "s3_console",
        "aws endpoint": "control",
    }
    found = {title: workspace.endpoint(name) for title, name in names.items()}
    return {"dashboards": dashboards_address(workspace), **found}
