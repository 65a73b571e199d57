"""PROTOBUF definitions: compiled and compared by Buf (``buf build``, ``buf breaking``), started in an empty folder.

Glue takes proto2 and proto3 without groups and extensions (AWS Glue Developer Guide, "AWS Glue Schema registry"). A
reader can read what a writer wrote when Buf's wire rules hold from the writer's to the reader's definition, the reader
requires no field that the writer does not require, and it has every message and method of the writer: so fields may
come and go, a service or method added is backward compatible, and one removed is forward compatible, as the guide says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

from lakelet.catalog.registry.errors import InvalidDefinition
from lakelet.workspace.errors import StackError

SECONDS = 60  # Buf takes about 50 ms; a loaded machine longer
_BROKEN = 100  # Buf's exit code when a check found something
_RULES = (
    "FIELD_WIRE_COMPATIBLE_TYPE", "FIELD_WIRE_COMPATIBLE_CARDINALITY", "FIELD_SAME_ONEOF", "FILE_SAME_PACKAGE",
    "PACKAGE_SERVICE_NO_DELETE", "RPC_NO_DELETE", "RPC_SAME_REQUEST_TYPE", "RPC_SAME_RESPONSE_TYPE",
    "RPC_SAME_CLIENT_STREAMING", "RPC_SAME_SERVER_STREAMING",
)  # fmt: skip
_CONFIG = json.dumps({"version": "v2", "breaking": {"use": list(_RULES)}})
_FILE = "schema.proto"

Descriptor = dict[str, Any]


def check(definition: str) -> str:
    """The definition in canonical form, by which equal ones are found; raises InvalidDefinition."""
    with tempfile.TemporaryDirectory() as folder:
        return json.dumps(_file(_built(Path(folder), definition)), sort_keys=True, separators=(",", ":"))


def unreadable(reader: str, writer: str) -> str | None:
    """Why what was written with ``writer`` cannot be read with ``reader``; None when it can. InvalidDefinition."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = [_built(folder / side, text) for side, text in (("reader", reader), ("writer", writer))]
        found = list(_lacking(_file(images[0]), _file(images[1])))
        answer = _buf(
            folder, "breaking", "reader/image.json", "--against", "writer/image.json", "--error-format", "json",
            "--config", _CONFIG,
        )  # fmt: skip
        if answer.returncode == _BROKEN:
            found += [problem["message"].split(" See http")[0] for problem in _problems(answer.stdout)]
        elif answer.returncode:
            raise StackError(f"Buf could not compare two definitions: {answer.stderr.strip()[:500]}")
    return "; ".join(dict.fromkeys(found)) or None


def _built(folder: Path, definition: str) -> Descriptor:
    folder.mkdir(exist_ok=True)
    (folder / _FILE).write_text(definition)
    answer = _buf(folder, "build", ".", "--error-format", "json", "--exclude-source-info", "-o", "image.json")
    if answer.returncode == _BROKEN:
        first = next(_problems(answer.stderr or answer.stdout))
        raise InvalidDefinition(f"line {first.get('start_line', 1)}: {first['message']}")
    if answer.returncode:
        raise InvalidDefinition(answer.stderr.strip()[:500] or "Buf cannot read it")
    image: Descriptor = json.loads((folder / "image.json").read_text())
    file = _file(image)
    if file.get("syntax", "proto2") not in ("proto2", "proto3"):
        raise InvalidDefinition("only the syntaxes proto2 and proto3 are served")
    if "extension" in file or any("extension" in message or "extensionRange" in message for _, message in _all(file)):
        raise InvalidDefinition("extensions are not served")
    if any(field["type"] == "TYPE_GROUP" for _, message in _all(file) for field in message.get("field", ())):
        raise InvalidDefinition("groups are not served")
    return image


def _file(image: Descriptor) -> Descriptor:
    """The definition's own file, apart from the well-known types that it imports."""
    file: Descriptor = next(file for file in image["file"] if file["name"] == _FILE)
    return {name: value for name, value in file.items() if name != "sourceCodeInfo"}


def _all(file: Descriptor) -> Iterator[tuple[str, Descriptor]]:
    """``(name, message)`` of every message, the nested ones too."""
    waiting = [(message["name"], message) for message in file.get("messageType", ())]
    while waiting:
        name, message = waiting.pop()
        yield name, message
        waiting += [(f"{name}.{nested['name']}", nested) for nested in message.get("nestedType", ())]


def _lacking(reader: Descriptor, writer: Descriptor) -> Iterator[str]:
    known = dict(_all(writer))
    for name, message in sorted(_all(reader)):
        required = _required(message) - _required(known.get(name, message))
        for number in sorted(required):
            yield f'Field "{number}" of message "{name}" is required but was not always written.'
    have = {message["name"] for message in reader.get("messageType", ())}
    for message in writer.get("messageType", ()):
        if message["name"] not in have:
            yield f'Message "{message["name"]}" is not there.'


def _required(message: Descriptor) -> set[int]:
    return {field["number"] for field in message.get("field", ()) if field.get("label") == "LABEL_REQUIRED"}


def _problems(output: str) -> Iterator[dict[str, Any]]:
    for line in output.splitlines():
        yield json.loads(line)


def _buf(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    beside = Path(sysconfig.get_path("scripts")) / "buf"
    program = str(beside) if beside.exists() else which("buf")
    if program is None:
        raise StackError("Buf is not installed: install Lakelet again (its package is buf-bin).")
    environment = {"PATH": os.defpath, "HOME": str(folder), "BUF_CACHE_DIR": str(folder / ".cache")}
    try:
        return subprocess.run(
            [program, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise InvalidDefinition(f"Buf does not read it within {SECONDS} s: write it in more lines") from None
