"""What a service's model says of an error: the code that SDKs see and the HTTP status."""

from __future__ import annotations

from botocore.model import ServiceModel

from lakelet.workspace.errors import ServiceError


def described(error: ServiceError, model: ServiceModel | None) -> tuple[str, int]:
    """``(code, status)`` of an error in a service's answers: as its model has them, else as the class has them.

    A model may name a shape ``NoSuchEntityException`` and its code ``NoSuchEntity``; either finds it.
    """
    for shape in model.error_shapes if model is not None else ():
        trait = shape.metadata.get("error", {})
        if error.code in (shape.name, trait.get("code")):
            fault = 500 if shape.metadata.get("fault") else error.status
            return str(trait.get("code", shape.name)), int(trait.get("httpStatusCode", fault))
    return error.code, error.status
