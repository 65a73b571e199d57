"""EC2's own form of AWS Query: only its errors, for EC2 is not served.

Source: Smithy 2.0, "AWS EC2 query protocol".
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from botocore.model import ServiceModel

from lakelet.aws.protocol.faults import described
from lakelet.aws.protocol.http import Request, Response
from lakelet.workspace.errors import ServiceError


def serialize_error(
    error: ServiceError, request: Request, request_id: str, model: ServiceModel | None = None
) -> Response:
    """The answer to a request that failed."""
    code, status = described(error, model)
    detail = f"<Code>{escape(code)}</Code><Message>{escape(str(error))}</Message>"
    body = f"<Response><Errors><Error>{detail}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    return Response(status, {"content-type": "text/xml"}, body.encode())
