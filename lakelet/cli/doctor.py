"""``lakelet doctor``: is this machine, this installation and this stack in order?"""

from __future__ import annotations

from dataclasses import asdict

import typer

from lakelet.cli.output import Format, OutputOption, show_rows

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: lakelet doctor")
def doctor(output: OutputOption = Format.text) -> None:
    """Check platform, installed parts, memory, disk, ports and components; exit code 1 means there is a problem."""
    from lakelet.stack.checks import examine
    from lakelet.workspace.paths import Workspace

    findings = examine(Workspace.find())
    show_rows([asdict(finding) for finding in findings], output, ("check", "level", "text"))
    if any(finding.level == "problem" for finding in findings):
        raise SystemExit(1)
