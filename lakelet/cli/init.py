"""``lakelet init``: a project of the user's own."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from lakelet.cli.output import Format, OutputOption, show_message

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: lakelet init shop && cd shop && lakelet up")
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder, or an empty one.")],
    output: OutputOption = Format.text,
) -> None:
    """Make a project: jobs, a table's definition, a board, sample data, and a test that runs it all.

    A folder that holds anything (but a repository's `.git`) is left as it is.
    """
    from lakelet.project import create

    files = create(folder)
    text = (
        f"{folder} has {len(files)} files; README.md says what to run first.\n"
        f"Start its stack with `cd {shlex.quote(str(folder))} && lakelet up`."
    )
    show_message(text, output, project=str(folder.resolve()), files=files)
