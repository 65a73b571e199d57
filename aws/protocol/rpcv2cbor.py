"""RPC v2 CBOR: service and operation are in the path, everything else is one CBOR body.

Source: Smithy 2.0, "Smithy RPC v2 CBOR protocol".
"""

from __future__ import annotations

import re
from typing import Any

import cbor2
from botocore.model import OperationModel, ServiceModel

from lakelet.aws.errors import SerializationException
from lakelet.aws.protocol.faults import described
from lakelet.aws.protocol.http import Request, Response
from lakelet.aws.protocol.values import decode, encode
from lakelet.workspace.errors import ServiceError

_PATH = re.compile(r"(?:/[^/]+)*/service/(?:[\w.]*\.)?(\w+)/operation/(\w+)")
_HEADERS = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}


def operation_name(request: Request) -> tuple[str, str]:
    """``(service name, operation)`` that the request names."""
    match = _PATH.fullmatch(request.path)
    return (match[1], match[2]) if match else ("", "")


def parse(operation: OperationModel, request: Request) -> dict[str, Any]:
    """The parameters of a request; raises SerializationException for a body that does not fit the model."""
    try:
        body = cbor2.loads(request.body) if request.body else {}
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise SerializationException(f"The body is not valid CBOR: {error}") from error
    if operation.input_shape is None:
        return {}
    parameters: dict[str, Any] = decode(operation.input_shape, body, binary=True)
    return parameters


def serialize(operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:
    """The answer to a request that succeeded."""
    if operation.output_shape is None:
        return Response(200, {"smithy-protocol": "rpc-v2-cbor"})
    return Response(200, _HEADERS, _dumps(encode(operation.output_shape, result, "native")))


def serialize_error(
    error: ServiceError, request: Request, request_id: str, model: ServiceModel | None = None
) -> Response:
    """The answer to a request that failed, from which SDKs make the exception of that name."""
    code, status = described(error, model)
    return Response(status, _HEADERS, _dumps({"__type": code, "message": str(error), "Message": str(error)}))


def _dumps(value: Any) -> bytes:
    return cbor2.dumps(value, datetime_as_timestamp=True)
