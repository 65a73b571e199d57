"""``lakelet gc``: free the space of what is old."""

from __future__ import annotations

from typing import Annotated

import typer

from lakelet.cli.output import Format, OutputOption, show_message

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: lakelet gc --all")
def gc(
    everything: Annotated[
        bool, typer.Option("--all", help="Remove recent logs and folders, and what a restore replaced, too.")
    ] = False,
    output: OutputOption = Format.text,
) -> None:
    """Free old logs, Spark event logs and work folders, the folders of ended runs, and Spark's class archives of
    clones that are gone.

    Old is what is older than the setting log_retention_days; live runs are never touched. A running stack does this
    once a day, and collects abandoned staging objects by itself.
    """
    from lakelet.restore import forget_replaced
    from lakelet.stack.class_archive import collect
    from lakelet.stack.retention import sweep
    from lakelet.workspace.paths import Workspace

    workspace = Workspace.find()
    freed, archives = sweep(workspace, everything=everything), collect(workspace)
    replaced = forget_replaced(workspace) if everything else 0
    text = f"Freed {freed.bytes / 1e6:,.1f} MB in {freed.items} files and folders"
    if replaced:
        text += f", {replaced / 1e6:,.1f} MB that the last restore replaced"
    if archives.items:
        text += f", and {archives.bytes / 1e6:,.1f} MB in {archives.items} class archives of clones that are gone"
    show_message(
        f"{text}.",
        output,
        bytes=freed.bytes + archives.bytes + replaced,
        items=freed.items + archives.items,
        class_archives=archives.items,
    )
