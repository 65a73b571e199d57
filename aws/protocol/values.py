"""Convert between what travels (JSON values, text) and the Python values that a botocore shape describes.

Reading is strict, as AWS's own services are: a value of another type, a number out of range or a text that is no
Unicode is a SerializationException, and a member that the model does not have is refused by name.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import cache
from typing import Any

from botocore.model import Shape

from lakelet.aws.errors import SerializationException
from lakelet.workspace.errors import NotImplementedException

Read = Callable[[Any], Any]
_BITS = {"integer": 31, "long": 63}
_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,9})?")


def decode(shape: Shape, value: Any, binary: bool = False) -> Any:
    """Read a JSON value the way an AWS service reads it. Members whose value is null count as not sent.

    ``binary`` is for CBOR, in which a blob travels as bytes and a timestamp as a ``datetime``.
    Raises SerializationException for a value of the wrong type, NotImplementedException for an unknown member.
    """
    return _reader(shape, binary)(value)


@cache
def _reader(shape: Shape, binary: bool) -> Read:
    """What reads the values of a shape. Made once: requests may have thousands of them."""
    match shape.type_name:
        case "structure" if getattr(shape, "is_document_type", False):
            return lambda value: value
        case "structure":
            return _structure_reader(shape, binary)
        case "list":
            return _list_reader(shape, _reader(shape.member, binary))
        case "map":
            return _map_reader(shape, _reader(shape.value, binary))
        case "string" | "character":
            return _text_reader(shape)
        case "boolean":
            return _checked(shape, bool)
        case "timestamp" if binary:
            return _checked(shape, datetime, lambda value: read_timestamp(value.isoformat()))
        case "timestamp":
            return read_timestamp
        case "blob":
            return _checked(shape, bytes) if binary else _checked(shape, str, _read_blob)
        case _:
            return lambda value: _decode_number(shape, value)


def _checked(shape: Shape, kind: type, read: Read | None = None) -> Read:
    def checked(value: Any) -> Any:
        if not isinstance(value, kind):
            raise _mismatch(shape, value)
        return value if read is None else read(value)

    return checked


def _text_reader(shape: Shape) -> Read:
    checked = _checked(shape, str, text)

    def read(value: Any) -> Any:
        return value if type(value) is str and value.isascii() else checked(value)  # nearly all are

    return read


def _list_reader(shape: Shape, item: Read) -> Read:
    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _mismatch(shape, value)
        return [item(one) for one in value if one is not None]

    return read


def _map_reader(shape: Shape, item: Read) -> Read:
    key = _text_reader(shape)  # in CBOR it may be anything

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _mismatch(shape, value)
        return {key(name): item(one) for name, one in value.items() if one is not None}

    return read


def _structure_reader(shape: Shape, binary: bool) -> Read:
    members = {wire_name(name, member): (name, member) for name, member in shape.members.items()}
    made: dict[Any, tuple[str, Read]] = {}  # as members come, for structures hold themselves

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _mismatch(shape, value)
        found, strangers = {}, []
        for wire, item in value.items():
            if item is None:
                continue
            if (known := made.get(wire)) is None:
                if wire not in members:
                    strangers.append(str(wire))
                    continue
                name, member = members[wire]
                known = made[wire] = (name, _reader(member, binary))
            found[known[0]] = known[1](item)
        if strangers:
            names = ", ".join(map(repr, sorted(strangers)))
            raise NotImplementedException(f"{shape.name} has no member {names[:300]}.")
        return found

    return read


class Written(dict[str, Any]):
    """A structure that travels as it is: it came so and was validated, its times are Unix seconds, and it has no blob.

    AWS JSON only.
    """


def encode(shape: Shape, value: Any, timestamp_format: str = "unixtimestamp") -> Any:
    """Write a Python value the way an AWS service writes it as JSON; members that are None are left out.

    A timestamp may be a ``datetime`` or Unix seconds. The format ``native`` is for CBOR: timestamps as ``datetime``,
    blobs as bytes.
    """
    writer = _writer(shape, timestamp_format)
    return value if writer is None else writer(value)


@cache
def _writer(shape: Shape, timestamp_format: str) -> Callable[[Any], Any] | None:
    """What writes the values of a shape; None when they travel as they are. Made once: answers may be long."""
    match shape.type_name:
        case "structure" if not getattr(shape, "is_document_type", False):
            return _structure_writer(shape, timestamp_format)
        case "list":
            items = _writer(shape.member, timestamp_format)
            return None if items is None else lambda value: [items(item) for item in value]
        case "map":
            ends = _writer(shape.value, timestamp_format)
            return None if ends is None else lambda value: {key: ends(item) for key, item in value.items()}
        case "timestamp" if timestamp_format == "native":
            return lambda v: v.astimezone(UTC) if isinstance(v, datetime) else datetime.fromtimestamp(v, UTC)
        case "timestamp":
            form = shape.serialization.get("timestampFormat", timestamp_format)
            return lambda value: write_timestamp(value, form)
        case "blob" if timestamp_format != "native":
            return lambda value: base64.b64encode(value).decode()
        case _:
            return None


def _structure_writer(shape: Shape, timestamp_format: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    members = shape.members
    made: dict[str, tuple[str, Callable[[Any], Any] | None]] = {}  # as members come, for structures hold themselves

    def write(value: Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(value, Written):
            return value
        written: dict[str, Any] = {}
        for name, item in value.items():
            if item is None:
                continue
            if (found := made.get(name)) is None:
                if name not in members:
                    continue
                found = made[name] = (wire_name(name, members[name]), _writer(members[name], timestamp_format))
            written[found[0]] = item if found[1] is None else found[1](item)
        return written

    return write


def wire_name(name: str, member: Shape) -> str:
    """The name under which a member travels."""
    return str(member.serialization.get("name", name))


def text(value: str) -> str:
    """The text itself; raises SerializationException for one with lone surrogates, which no store can hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise SerializationException("The request contains text that is not valid Unicode.") from None
    return value


def read_timestamp(value: Any) -> datetime:
    """A moment from Unix seconds, ISO 8601 or RFC 822; raises SerializationException."""
    try:
        if isinstance(value, str) and not _NUMBER.fullmatch(value):
            moment = parsedate_to_datetime(value) if value.endswith("GMT") else datetime.fromisoformat(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        elif isinstance(value, (int, float, str)) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(float(value), UTC)
        else:
            raise ValueError
        moment.timestamp()
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        raise SerializationException(f"{value!r:.100} is no timestamp.") from None


def write_timestamp(value: datetime | float, form: str) -> str | float:
    """A moment as Unix seconds (``unixtimestamp``), ``rfc822`` or ``iso8601``."""
    if isinstance(value, float) and form == "unixtimestamp":
        return value
    moment = value.astimezone(UTC) if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
    match form:
        case "unixtimestamp":
            return moment.timestamp()
        case "rfc822":
            return format_datetime(moment, usegmt=True)
        case _:
            return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def scalar_from_text(shape: Shape, value: str) -> Any:
    """Read a scalar that travelled as text, such as a form field; raises SerializationException."""
    match shape.type_name:
        case "integer" | "long" | "float" | "double":
            if len(value) > 40:
                raise _mismatch(shape, value)
            try:
                return _decode_number(shape, float(value) if shape.type_name in ("float", "double") else int(value))
            except (ValueError, OverflowError):
                raise _mismatch(shape, value) from None
        case "boolean":
            if value.lower() not in ("true", "false"):
                raise _mismatch(shape, value)
            return value.lower() == "true"
        case "timestamp":
            return read_timestamp(value)
        case "blob":
            return _read_blob(value)
        case "string" if shape.serialization.get("jsonvalue"):
            return _read_json_value(value)
        case "list":
            return [scalar_from_text(shape.member, item.strip()) for item in value.split(",")]
        case "structure" | "map":
            raise _mismatch(shape, value)
        case _:
            return text(value)


def scalar_to_text(shape: Shape, value: Any, timestamp_format: str = "iso8601") -> str:
    """Write a scalar as text."""
    match shape.type_name:
        case "boolean":
            return "true" if value else "false"
        case "timestamp":
            return str(write_timestamp(value, shape.serialization.get("timestampFormat", timestamp_format)))
        case "blob":
            return base64.b64encode(value).decode()
        case "string" if shape.serialization.get("jsonvalue"):
            return base64.b64encode(json.dumps(value).encode()).decode()
        case "list":
            return ",".join(scalar_to_text(shape.member, item, timestamp_format) for item in value)
        case _:
            return str(value)


def _decode_number(shape: Shape, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _mismatch(shape, value)
    bits = _BITS.get(shape.type_name)
    if bits is None:
        try:
            return float(value)
        except OverflowError:
            raise _mismatch(shape, value) from None
    whole = isinstance(value, int) or (math.isfinite(value) and int(value) == value)
    if not whole or not -(2**bits) <= value < 2**bits:
        raise _mismatch(shape, value)
    return int(value)


def _read_json_value(value: str) -> Any:
    try:
        return json.loads(base64.b64decode(value, validate=True))
    except (ValueError, RecursionError):
        raise SerializationException("A header is not valid JSON in base64.") from None


def _read_blob(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise SerializationException("A blob is not valid base64.") from None


def _mismatch(shape: Shape, value: Any) -> SerializationException:
    return SerializationException(f"{type(value).__name__} value cannot be read as {shape.name} ({shape.type_name}).")
