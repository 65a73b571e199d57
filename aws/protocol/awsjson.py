"""AWS JSON 1.0 and 1.1: the operation is the header ``X-Amz-Target``, everything else is one JSON body.

Source: Smithy 2.0, "AWS JSON 1.0/1.1 protocol".
"""

from __future__ import annotations

from typing import Any

import orjson
from botocore.model import OperationModel, ServiceModel

from lakelet.aws.errors import SerializationException
from lakelet.aws.protocol.faults import described
from lakelet.aws.protocol.http import Request, Response
from lakelet.aws.protocol.values import decode, encode
from lakelet.workspace.errors import ServiceError
from lakelet.workspace.quick_json import dumps


def operation_name(request: Request) -> tuple[str, str]:
    """``(target prefix, operation)`` that the request names."""
    prefix, _, name = request.headers.get("x-amz-target", "").rpartition(".")
    return prefix, name


def parse(operation: OperationModel, request: Request) -> dict[str, Any]:
    """The parameters of a request; raises SerializationException for a body that does not fit the model."""
    try:
        body = orjson.loads(request.body or b"{}")
        if operation.input_shape is None:
            return {}
        parameters: dict[str, Any] = decode(operation.input_shape, body)
        return parameters
    except (ValueError, RecursionError) as error:
        raise SerializationException(f"The body is not valid JSON: {error}") from error


def serialize(operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:
    """The answer to a request that succeeded."""
    body = encode(operation.output_shape, result) if operation.output_shape else {}
    version = operation.service_model.metadata.get("jsonVersion", "1.1")
    return Response(200, {"content-type": f"application/x-amz-json-{version}"}, dumps(body))


def serialize_error(
    error: ServiceError, request: Request, request_id: str, model: ServiceModel | None = None
) -> Response:
    """The answer to a request that failed, from which SDKs make the exception of that name."""
    kind = "application/x-amz-json-1.1"
    if request.headers.get("content-type") == "application/x-amz-json-1.0":
        kind = "application/x-amz-json-1.0"
    code, status = described(error, model)
    body = {"__type": code, "Message": str(error), "message": str(error)}
    return Response(status, {"content-type": kind, "x-amzn-errortype": code}, dumps(body))
