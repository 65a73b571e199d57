"""``lakelet gc``: free the space of what is old."""

from __future__ import annotations

from typing import Annotated

import typer

from lakelet.cli.output import Format, OutputOption, show_message

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: lakelet gc --all")
def gc(
    everything: Annotated[bool, typer.Option("--all", help="Also what is not old yet.")] = False,
    output: OutputOption = Format.text,
) -> None:
    """Free old logs, Spark event logs and work folders, and the folders of ended runs.

    Old is what is older than the setting log_retention_days; live runs are never touched. A running stack does this
    once a day, and collects abandoned staging objects by itself.
    """
    from lakelet.stack.retention import sweep
    from workspace.paths import Workspace

    freed = sweep(Workspace.find(), everything=everything)
    text = f"Freed {freed.bytes / 1e6:,.1f} MB in {freed.items} files and folders."
    show_message(text, output, bytes=freed.bytes, items=freed.items)
