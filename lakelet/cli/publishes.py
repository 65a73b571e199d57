"""``lakelet catalog publishes`` and ``give-up``: writes that are not visible yet, and those that never will be."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from lakelet.cli.output import Format, OutputOption, show_message, show_rows
from lakelet.workspace.control import call
from lakelet.workspace.errors import LakeletError, UsageError
from lakelet.workspace.paths import Workspace


def publishes(output: OutputOption = Format.text) -> None:
    """List the writes that are OPEN (a run is writing), COMMITTED (being applied) or GIVEN_UP.

    A COMMITTED one with a reason waits for the object store, and later writes to its table wait for it.

    Example: lakelet catalog publishes
    """
    found = call(Workspace.find(), "GET", "publishes")["publishes"]
    rows = [one | {"opened_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one["opened_at"]))} for one in found]
    show_rows(rows, output, ("id", "state", "target", "run_id", "opened_at", "reason"))


def give_up(
    publish: Annotated[str, typer.Argument(metavar="PUBLISH", help="Its id, as `lakelet catalog publishes` lists it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    output: OutputOption = Format.text,
) -> None:
    """Give a COMMITTED write up that the object store refuses for good, its bucket being deleted for example.

    What it staged is dropped. Partitions that it left without files go out of the catalog, the answer says how much of
    it was carried out, and the table takes writes again. It is tried a last time first.

    Example: lakelet catalog give-up pub_0123456789abcdef01234567 --yes
    """
    workspace = Workspace.find()
    listed = {one["id"]: one for one in call(workspace, "GET", "publishes")["publishes"]}
    if not yes:
        if output is Format.json:
            raise UsageError("give-up destroys what was written: add --yes.")
        target = f" to {listed[publish]['target']}" if publish in listed else ""
        if not typer.confirm(f"What {publish} wrote{target} and is not applied will be lost. Give it up?"):
            raise LakeletError("Nothing was given up.")
    answer = call(workspace, "POST", f"publishes/{publish}/give-up")
    show_message(f"{publish} was given up. {answer['outcome']}", output, publish=publish, **answer)
