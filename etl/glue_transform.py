"""GlueTransform: the base of Glue's transform classes, which can describe themselves.

AWS Glue Developer Guide, "GlueTransform base class". The descriptions are read from the signature of ``__call__``.
"""

from __future__ import annotations

import inspect
from typing import Any


class GlueTransform:
    """The base of all transforms: ``apply`` makes one and calls it."""

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run the transform."""
        return cls()(*args, **kwargs)

    @classmethod
    def name(cls) -> str:
        """The transform's name."""
        return cls.__name__

    @classmethod
    def describeArgs(cls) -> list[dict[str, Any]]:
        """One dict per argument: name, type, description, optional and defaultValue."""
        parameters = list(inspect.signature(cls.__call__).parameters.values())[1:]
        return [
            {
                "name": one.name,
                "type": str(one.annotation),
                "description": _ARGUMENTS.get(one.name, ""),
                "optional": one.default is not one.empty or one.kind is one.VAR_KEYWORD,
                "defaultValue": None if one.default is one.empty else one.default,
            }
            for one in parameters
        ]

    @classmethod
    def describeReturn(cls) -> dict[str, str]:
        """What the transform returns: type and description."""
        kind = str(inspect.signature(cls.__call__).return_annotation)
        return {"type": kind, "description": f"The {kind} that {cls.name()} makes."}

    @classmethod
    def describeTransform(cls) -> str:
        """What the transform does, in a sentence."""
        return inspect.getdoc(cls) or ""

    @classmethod
    def describeErrors(cls) -> list[dict[str, str]]:
        """One dict per kind of error: type and description."""
        return [
            {"type": "UsageError", "description": "An argument names what is not there, or is of another form."},
            {
                "type": "ErrorThresholdError",
                "description": "There are more error records than stageThreshold or totalThreshold allows.",
            },
        ]

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """All of the above: transform, args, returns, raises."""
        return {
            "transform": {"name": cls.name(), "description": cls.describeTransform()},
            "args": cls.describeArgs(),
            "returns": cls.describeReturn(),
            "raises": cls.describeErrors(),
        }

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the transform."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__: write one.")


_ARGUMENTS = {
    "frame": "The DynamicFrame to transform.",
    "frame1": "The first DynamicFrame.",
    "frame2": "The second DynamicFrame.",
    "dfc": "The collection of DynamicFrames.",
    "transformation_ctx": "The name of the new frame.",
    "info": "A text for error reports; without effect.",
    "stageThreshold": "The most error records that this transform may make; 0: any number.",
    "totalThreshold": "The most error records that there may be in all; 0: any number.",
    "paths": "Paths to fields: a, a.b, a[].b.",
    "mappings": "Lists of source, source type, target, target type.",
    "f": "A function of a record, which is a dict.",
    "specs": "Pairs of a path and an action.",
    "choice": "One action for every choice.",
}
