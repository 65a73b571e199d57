"""``lakelet down``: stop the stack."""

from __future__ import annotations

import typer

from lakelet.cli.output import Format, OutputOption, show_message

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: lakelet down")
def down(output: OutputOption = Format.text) -> None:
    """Stop the stack and its runs; no process stays behind, also when the supervisor was killed."""
    from lakelet.stack.operate import stop
    from lakelet.workspace.paths import Workspace

    names = stop(Workspace.find())
    text = f"Stopped {', '.join(names)}." if names else "The stack was not running."
    show_message(text, output, stopped=names)
