"""``lakelet restore``: make a workspace what it was when it was backed up."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lakelet.cli.output import Format, OutputOption, show_message, show_rows

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: lakelet restore /backups/monday --replace")
def restore(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="The folder of the backup.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the state and objects that are here.")] = False,
    replaced: Annotated[bool, typer.Option("--replaced", help="List what the last restore replaced.")] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Delete what is here, and bring back what the last restore replaced.")
    ] = False,
    output: OutputOption = Format.text,
) -> None:
    """Restore a backup into this workspace, whose stack must be stopped; every hash and count is checked.

    A restore that fails is undone by itself; one that was killed is finished by running it again, or undone by --undo.
    What --replace replaced is kept until the next restore or `lakelet gc --all`.
    """
    from lakelet import restore as restores
    from lakelet.workspace.errors import UsageError
    from lakelet.workspace.paths import Workspace

    def progress(step: str) -> None:
        print(f"{step[0].upper()}{step[1:]} …", file=sys.stderr)

    workspace = Workspace.find()
    if (folder is not None) + replaced + undo > 1:
        raise UsageError("Name one thing to do: the folder of a backup, --replaced or --undo.")
    if replaced:
        show_rows(restores.replaced(workspace), output, ("part", "bytes"))
        return
    if undo:
        restores.undo(workspace)
        show_message("The former state is back: start the stack with `lakelet up`.", output)
        return
    if folder is None:
        raise UsageError("Name the folder of a backup, --replaced or --undo.")
    manifest = restores.restore(workspace, folder.absolute(), replace=replace, progress=progress)
    documents = sum(manifest["indexes"].values())
    text = (
        f"Restored {manifest['objects']} objects, the state, and {documents} documents of {len(manifest['indexes'])} "
        "indexes: start the stack with `lakelet up`."
    )
    show_message(text, output, folder=str(folder), **manifest)
