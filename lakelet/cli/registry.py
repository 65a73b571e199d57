"""``lakelet catalog schemas``: the schema registry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lakelet.catalog.glue import Glue
from lakelet.cli.output import Format, OutputOption, show_message, show_record, show_rows
from lakelet.workspace.errors import EntityNotFoundException, LakeletError, UsageError
from lakelet.workspace.paths import Workspace

FORMATS = {".avsc": "AVRO", ".avro": "AVRO", ".json": "JSON", ".proto": "PROTOBUF"}
MODES = ("NONE", "DISABLED", "BACKWARD", "BACKWARD_ALL", "FORWARD", "FORWARD_ALL", "FULL", "FULL_ALL")

app = typer.Typer(no_args_is_help=True, help="Register schemas, list their versions, and compare them.")

SchemaArgument = Annotated[str, typer.Argument(metavar="SCHEMA", help="SCHEMA, or REGISTRY/SCHEMA.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="An .avsc, .json or .proto file, or - for stdin.")]
FormatOption = Annotated[
    str | None, typer.Option("--format", "-f", metavar="FORMAT", help="AVRO, JSON or PROTOBUF; else by the ending.")
]


@app.command("list")
def list_schemas(
    registry: Annotated[str | None, typer.Option(help="Only those of this registry.")] = None,
    output: OutputOption = Format.text,
) -> None:
    """List the schemas of every registry, or of one.

    Example: lakelet catalog schemas list
    """
    glue = Glue(Workspace.find())
    wanted = {"RegistryId": {"RegistryName": registry}} if registry else {}
    rows = []
    for one in glue.pages("ListSchemas", "Schemas", **wanted):
        found = glue.call("GetSchema", SchemaId={"SchemaArn": one["SchemaArn"]})
        rows.append(
            {
                "registry": found["RegistryName"], "schema": found["SchemaName"], "format": found["DataFormat"],
                "compatibility": found["Compatibility"], "latest": found.get("LatestSchemaVersion"),
                "checkpoint": found.get("SchemaCheckpoint"), "description": found.get("Description"),
            }
        )  # fmt: skip
    show_rows(rows, output, ("registry", "schema", "format", "compatibility", "latest", "checkpoint", "description"))


@app.command()
def versions(schema: SchemaArgument, output: OutputOption = Format.text) -> None:
    """List a schema's versions; one that its compatibility mode refused is FAILURE.

    Example: lakelet catalog schemas versions flights
    """
    found = Glue(Workspace.find()).pages("ListSchemaVersions", "Schemas", SchemaId=_schema(schema))
    rows = [
        {"version": one["VersionNumber"], "status": one["Status"], "created": one["CreatedTime"],
         "id": one["SchemaVersionId"]}
        for one in found
    ]  # fmt: skip
    show_rows(rows, output, ("version", "status", "created", "id"))


@app.command()
def show(
    schema: SchemaArgument,
    version: Annotated[int | None, typer.Option("--version", "-v", min=1, help="The latest by default.")] = None,
    output: OutputOption = Format.text,
) -> None:
    """Print the definition of a version.

    Example: lakelet catalog schemas show flights --version 2
    """
    glue = Glue(Workspace.find())
    found = glue.call("GetSchemaVersion", SchemaId=_schema(schema), SchemaVersionNumber=_number(version))
    if output is Format.json:
        show_record(found, output)
    else:
        print(found["SchemaDefinition"])


@app.command()
def register(
    schema: SchemaArgument,
    file: FileArgument,
    data_format: FormatOption = None,
    compatibility: Annotated[
        str | None, typer.Option("--compatibility", "-c", metavar="MODE", help=f"Of a new schema: {', '.join(MODES)}.")
    ] = None,
    output: OutputOption = Format.text,
) -> None:
    """Register a definition as a schema's next version; the schema is made when there is none.

    An equal definition keeps its version. One that the schema's mode refuses ends with exit code 1.

    Example: lakelet catalog schemas register flights flights.avsc --compatibility BACKWARD
    """
    if compatibility is not None and compatibility.upper() not in MODES:
        raise UsageError(f"{compatibility!r} is not a valid compatibility mode: use one of {', '.join(MODES)}.")
    glue, names, definition = Glue(Workspace.find()), _schema(schema), _read(file)
    try:
        known = glue.call("GetSchema", SchemaId=names)
    except EntityNotFoundException:
        mode = {"Compatibility": compatibility.upper()} if compatibility else {}
        made = glue.call(
            "CreateSchema", SchemaName=names["SchemaName"], DataFormat=_format(file, data_format),
            SchemaDefinition=definition, **_registry(names), **mode,
        )  # fmt: skip
        _registered(schema, made["LatestSchemaVersion"], made["SchemaVersionId"], output)
        return
    if compatibility is not None and compatibility.upper() != known["Compatibility"]:
        raise LakeletError(
            f"Schema {schema} is {known['Compatibility']}: change it with UpdateSchema, or leave --compatibility out."
        )
    found = glue.call("RegisterSchemaVersion", SchemaId=names, SchemaDefinition=definition)
    if found["Status"] != "AVAILABLE":
        raise LakeletError(
            f"Version {found['VersionNumber']} of schema {schema} is {found['Status']}: it does not go with mode "
            f"{known['Compatibility']}; `lakelet logs control` says why."
        )
    _registered(schema, found["VersionNumber"], found["SchemaVersionId"], output)


@app.command()
def check(file: FileArgument, data_format: FormatOption = None, output: OutputOption = Format.text) -> None:
    """Check that a definition is valid in its format; nothing is stored.

    Example: lakelet catalog schemas check flights.avsc
    """
    kind = _format(file, data_format)
    answer = Glue(Workspace.find()).call("CheckSchemaVersionValidity", DataFormat=kind, SchemaDefinition=_read(file))
    if not answer["Valid"]:
        raise LakeletError(f"{file} is not a valid {kind} schema: {answer['Error']}")
    show_message(f"{file} is a valid {kind} schema.", output, valid=True, format=kind)


@app.command()
def diff(
    schema: SchemaArgument,
    first: Annotated[int, typer.Argument(metavar="FIRST", min=1, help="A version.")],
    second: Annotated[
        int | None, typer.Argument(metavar="[SECOND]", min=1, help="Another; the latest by default.")
    ] = None,
    output: OutputOption = Format.text,
) -> None:
    """Show how the text of two versions differs.

    Example: lakelet catalog schemas diff flights 1 2
    """
    answer = Glue(Workspace.find()).call(
        "GetSchemaVersionsDiff", SchemaId=_schema(schema), FirstSchemaVersionNumber=_number(first),
        SecondSchemaVersionNumber=_number(second), SchemaDiffType="SYNTAX_DIFF",
    )  # fmt: skip
    text = answer.get("Diff", "")
    show_message(text or "The versions do not differ.", output, diff=text)


def _registered(schema: str, version: int, version_id: str, output: Format) -> None:
    text = f"The definition is version {version} of schema {schema}."
    show_message(text, output, schema=schema, version=version, id=version_id)


def _schema(text: str) -> dict[str, str]:
    registry, slash, name = text.rpartition("/")
    if not name or (slash and not registry) or "/" in registry:
        raise UsageError(f"{text!r} is not a schema: write SCHEMA or REGISTRY/SCHEMA.")
    return {"SchemaName": name, **({"RegistryName": registry} if registry else {})}


def _registry(names: dict[str, str]) -> dict[str, Any]:
    return {"RegistryId": {"RegistryName": names["RegistryName"]}} if "RegistryName" in names else {}


def _number(version: int | None) -> dict[str, Any]:
    return {"LatestVersion": True} if version is None else {"VersionNumber": version}


def _format(file: Path, data_format: str | None) -> str:
    kind = data_format.upper() if data_format else FORMATS.get(file.suffix.lower(), "")
    if kind not in FORMATS.values():
        raise UsageError(f"The format of {file} is not known: add --format AVRO, JSON or PROTOBUF.")
    return kind


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise LakeletError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise LakeletError(f"{file} is not valid UTF-8: save it in that encoding.") from None
