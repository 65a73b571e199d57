"""``lakelet catalog grants``: Lake Formation's permissions."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lakelet.catalog.lakeformation import LakeFormation
from lakelet.cli.output import Format, OutputOption, show_message, show_rows
from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import Workspace

app = typer.Typer(no_args_is_help=True, help="Grant, revoke and list permissions on databases, tables and columns.")

PrincipalArgument = Annotated[
    str, typer.Argument(metavar="PRINCIPAL", help="The ARN of a user or role, or IAM_ALLOWED_PRINCIPALS.")
]
ResourceArgument = Annotated[
    str, typer.Argument(metavar="RESOURCE", help="DATABASE, DATABASE.TABLE, or DATABASE.* for all its tables.")
]
PermissionArgument = Annotated[
    list[str], typer.Argument(metavar="PERMISSION...", help="As in SELECT INSERT; ALL is every one.")
]
ColumnsOption = Annotated[
    str | None, typer.Option("--columns", metavar="A,B", help="Only these columns of the table (with SELECT).")
]
FilterOption = Annotated[
    str | None, typer.Option("--filter", metavar="NAME", help="Only what this data cells filter of the table shows.")
]


@app.command("list")
def list_grants(
    resource: Annotated[
        str | None, typer.Argument(metavar="[RESOURCE]", help="DATABASE or DATABASE.TABLE; all by default.")
    ] = None,
    principal: Annotated[str | None, typer.Option(help="Only what this principal was granted.")] = None,
    output: OutputOption = Format.text,
) -> None:
    """List who was granted what.

    Example: lakelet catalog grants list silver.flights
    """
    wanted: dict[str, Any] = {}
    if resource is not None:
        wanted = {"Resource": _resource(resource, None, None), "IncludeRelated": "TRUE"}
    if principal is not None:
        wanted["Principal"] = {"DataLakePrincipalIdentifier": principal}
    lake = LakeFormation(Workspace.find())
    rows = [
        {
            "principal": one["Principal"]["DataLakePrincipalIdentifier"],
            "resource": _text(one["Resource"]),
            "permissions": ", ".join(one["Permissions"]),
            "grantable": ", ".join(one["PermissionsWithGrantOption"]),
            "updated": one.get("LastUpdated"),
        }
        for one in lake.pages("ListPermissions", "PrincipalResourcePermissions", **wanted)
    ]
    show_rows(rows, output, ("principal", "resource", "permissions", "grantable", "updated"))


@app.command()
def grant(
    principal: PrincipalArgument,
    resource: ResourceArgument,
    permissions: PermissionArgument,
    columns: ColumnsOption = None,
    cells: FilterOption = None,
    output: OutputOption = Format.text,
) -> None:
    """Add permissions to what a principal has.

    Example: lakelet catalog grants grant arn:aws:iam::123456789012:user/ana silver.flights SELECT
    """
    _change("GrantPermissions", principal, _resource(resource, columns, cells), permissions)
    _done(f"{principal} was granted", principal, resource, permissions, output)


@app.command()
def revoke(
    principal: PrincipalArgument,
    resource: ResourceArgument,
    permissions: PermissionArgument,
    columns: ColumnsOption = None,
    cells: FilterOption = None,
    output: OutputOption = Format.text,
) -> None:
    """Take permissions from a principal.

    Example: lakelet catalog grants revoke arn:aws:iam::123456789012:user/ana silver.flights SELECT
    """
    _change("RevokePermissions", principal, _resource(resource, columns, cells), permissions)
    _done(f"{principal} has no more", principal, resource, permissions, output)


def _change(operation: str, principal: str, resource: dict[str, Any], permissions: list[str]) -> None:
    LakeFormation(Workspace.find()).call(
        operation, Principal={"DataLakePrincipalIdentifier": principal}, Resource=resource,
        Permissions=[permission.upper() for permission in permissions],
    )  # fmt: skip


def _done(text: str, principal: str, resource: str, permissions: list[str], output: Format) -> None:
    names = [permission.upper() for permission in permissions]
    message = f"{text} {', '.join(names)} on {resource}."
    show_message(message, output, principal=principal, resource=resource, permissions=names)


def _resource(text: str, columns: str | None, cells: str | None) -> dict[str, Any]:
    database, dot, table = text.partition(".")
    if not database or (dot and not table) or "." in table:
        raise UsageError(f"{text!r} is not a valid resource: write DATABASE, DATABASE.TABLE or DATABASE.*.")
    if columns is not None and cells is not None:
        raise UsageError("--columns and --filter do not go together: a filter has columns of its own.")
    if (columns is not None or cells is not None) and table in ("", "*"):
        raise UsageError("--columns and --filter go with one table: write DATABASE.TABLE.")
    if columns is not None:
        names = [name.strip() for name in columns.split(",") if name.strip()]
        return {"TableWithColumns": {"DatabaseName": database, "Name": table, "ColumnNames": names}}
    if cells is not None:
        return {"DataCellsFilter": {"DatabaseName": database, "TableName": table, "Name": cells}}
    if not table:
        return {"Database": {"Name": database}}
    wanted: dict[str, Any] = {"TableWildcard": {}} if table == "*" else {"Name": table}
    return {"Table": {"DatabaseName": database, **wanted}}


def _text(resource: dict[str, Any]) -> str:
    ((kind, body),) = resource.items()
    match kind:
        case "Catalog":
            return "(catalog)"
        case "Database":
            return str(body["Name"])
        case "Table":
            return f"{body['DatabaseName']}.{body.get('Name', '*')}"
        case "TableWithColumns":
            listed = body.get("ColumnNames") or [f"-{name}" for name in body["ColumnWildcard"]["ExcludedColumnNames"]]
            return f"{body['DatabaseName']}.{body['Name']} ({', '.join(listed)})"
        case "DataCellsFilter":
            return f"{body['DatabaseName']}.{body['TableName']} [filter {body['Name']}]"
        case "DataLocation":
            return str(body["ResourceArn"])
        case "LFTag":
            return f"tag {body['TagKey']}: {', '.join(body['TagValues'])}"
        case _:
            pairs = (f"{one['TagKey']} = {' or '.join(one['TagValues'])}" for one in body["Expression"])
            return f"every {body['ResourceType'].lower()} with {', '.join(pairs)}"
