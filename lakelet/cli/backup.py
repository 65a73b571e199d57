"""``lakelet backup``: copy this workspace into a folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lakelet.cli.output import Format, OutputOption, show_message

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: lakelet backup /backups/monday")
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder for the backup.")],
    output: OutputOption = Format.text,
) -> None:
    """Copy the state, all objects and all indexes of the running stack, as of one moment; jobs may go on.

    The folder holds the workspace's secret keys too, so only its owner may read it. Versions of objects that are not
    current are not copied.
    """
    from lakelet import backup as backups
    from lakelet.workspace.control import call
    from lakelet.workspace.paths import Workspace

    workspace, folder = Workspace.find(), folder.absolute()
    call(workspace, "GET", "health")
    backups.prepare(workspace, folder)
    copied = 0

    def count(size: int) -> None:
        nonlocal copied
        copied += size
        if sys.stderr.isatty():
            print(f"\r{copied / 1e6:,.1f} MB copied", end="", file=sys.stderr, flush=True)

    backups.copy_ahead(workspace, folder, count)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    manifest = call(workspace, "POST", "backups", {"folder": str(folder)}, timeout=3600)
    backups.verify(folder)
    documents = sum(manifest["indexes"].values())
    text = (
        f"Backed up {manifest['objects']} objects ({manifest['bytes'] / 1e6:,.1f} MB), the state, and {documents} "
        f"documents of {len(manifest['indexes'])} indexes into {folder}; every hash was checked."
    )
    show_message(text, output, folder=str(folder), **manifest)
