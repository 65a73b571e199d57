"""``lakelet status``: the state of every component."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from lakelet.cli.output import Format, OutputOption, show_rows

if TYPE_CHECKING:
    from lakelet.workspace.paths import Workspace

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: lakelet status --output json")
def status(output: OutputOption = Format.text) -> None:
    """Show name, state, pid and address of every component; the exit code is 3 when the stack is not running."""
    from lakelet.stack import operate
    from lakelet.workspace.errors import NotRunningError
    from lakelet.workspace.paths import Workspace

    workspace = Workspace.find()
    rows = with_token(workspace, operate.status(workspace))
    if rows or output is Format.json:
        show_rows(rows, output, ("name", "state", "pid", "url", "seconds", "restarts"))
    if output is Format.text:
        for row in rows:
            if row["message"] and row["state"] != "RUNNING":
                print(f"\n{row['message']}")
    if left := operate.leftovers(workspace):
        raise NotRunningError(
            f"The supervisor is gone, but {', '.join(left)} still run: "
            "`lakelet up` starts clean, `lakelet down` ends them."
        )
    if operate.running(workspace) is None:
        raise NotRunningError("The stack is not running: start it with `lakelet up`.")


def with_token(workspace: Workspace, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a status, with the address of the dashboards as a browser opens it first."""
    from lakelet.workspace.addresses import dashboards_address

    for row in rows:
        if row["name"] == "dashboards" and row["state"] == "RUNNING":
            row["url"] = dashboards_address(workspace)
    return rows
