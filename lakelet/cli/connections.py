"""``lakelet catalog connections``: the databases that crawlers and jobs reach."""

from __future__ import annotations

from typing import Annotated

import typer

from lakelet.catalog.glue import Glue
from lakelet.cli.output import Format, OutputOption, show_message, show_rows
from lakelet.workspace.paths import Workspace

app = typer.Typer(no_args_is_help=True, help="List and test the connections to databases.")


@app.command("list")
def list_connections(output: OutputOption = Format.text) -> None:
    """List the connections, without their passwords.

    Example: lakelet catalog connections list
    """
    found = Glue(Workspace.find()).pages("GetConnections", "ConnectionList", HidePassword=True)
    rows = []
    for one in found:
        given = one.get("ConnectionProperties", {})
        parts = (given.get("HOST"), given.get("PORT"), given.get("DATABASE"))
        address = ("JDBC_CONNECTION_URL", "CONNECTION_URL", "KAFKA_BOOTSTRAP_SERVERS")
        rows.append(
            {
                "name": one["Name"],
                "type": one["ConnectionType"],
                "address": next((given[name] for name in address if name in given), " ".join(filter(None, parts))),
                "user": given.get("USERNAME"),
                "tested": one.get("LastConnectionValidationTime"),
                "description": one.get("Description"),
            }
        )
    show_rows(rows, output, ("name", "type", "address", "user", "tested", "description"))


@app.command()
def test(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The connection's name.")],
    output: OutputOption = Format.text,
) -> None:
    """Really connect; what the database says against it comes back in a sentence.

    Example: lakelet catalog connections test shop
    """
    Glue(Workspace.find()).call("TestConnection", ConnectionName=name)
    show_message(f"{name} works.", output, connection=name, works=True)
