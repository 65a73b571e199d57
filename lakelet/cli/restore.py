"""``lakelet restore``: make a workspace what it was when it was backed up."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lakelet.cli.output import Format, OutputOption, show_message

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: lakelet restore /backups/monday --replace")
def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the backup.")],
    replace: Annotated[bool, typer.Option("--replace", help="Delete the state and objects that are here.")] = False,
    output: OutputOption = Format.text,
) -> None:
    """Restore a backup into this workspace, whose stack must be stopped; every hash and count is checked.

    A restore that was interrupted is finished by running it again.
    """
    from lakelet import restore as restores
    from lakelet.workspace.paths import Workspace

    def progress(step: str) -> None:
        print(f"{step[0].upper()}{step[1:]} …", file=sys.stderr)

    manifest = restores.restore(Workspace.find(), folder.absolute(), replace=replace, progress=progress)
    documents = sum(manifest["indexes"].values())
    text = (
        f"Restored {manifest['objects']} objects, the state, and {documents} documents of {len(manifest['indexes'])} "
        "indexes: start the stack with `lakelet up`."
    )
    show_message(text, output, folder=str(folder), **manifest)
