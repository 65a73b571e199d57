"""Glue's transform classes, ``ApplyMapping.apply(frame=…, mappings=…)``, in front of :mod:`etl.transforms`.

Each class can be called, or applied with its class method ``apply``, which AWS documents as the same thing. The
arguments that all share (``transformation_ctx``, ``info``, ``stageThreshold``, ``totalThreshold``) are DynamicFrame's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from etl.collection import DynamicFrameCollection
from etl.dynamicframe import DynamicFrame
from etl.transforms.fields import drop_null_fields, split_fields
from etl.transforms.split_rows import split_rows


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

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the transform."""
        raise NotImplementedError


class ApplyMapping(GlueTransform):
    """Choose, rename and cast fields."""

    def __call__(
        self, frame: DynamicFrame, mappings: Sequence[Sequence[str]], case_sensitive: bool = False, **shared: Any
    ) -> DynamicFrame:
        """Run it on ``frame``: see :mod:`etl.transforms.apply_mapping`."""
        return frame.apply_mapping(mappings, case_sensitive, **shared)


class ResolveChoice(GlueTransform):
    """Decide what a field of two types becomes."""

    def __call__(
        self, frame: DynamicFrame, specs: Sequence[tuple[str, str]] | None = None, choice: str = "", **shared: Any
    ) -> DynamicFrame:
        """Run it on ``frame``: see :mod:`etl.transforms.resolve_choice`."""
        return frame.resolveChoice(specs, choice, **shared)


class SelectFields(GlueTransform):
    """Keep fields."""

    def __call__(self, frame: DynamicFrame, paths: Sequence[str], **shared: Any) -> DynamicFrame:
        """Run it on ``frame``."""
        return frame.select_fields(paths, **shared)


class DropFields(GlueTransform):
    """Remove fields."""

    def __call__(self, frame: DynamicFrame, paths: Sequence[str], **shared: Any) -> DynamicFrame:
        """Run it on ``frame``."""
        return frame.drop_fields(paths, **shared)


class RenameField(GlueTransform):
    """Rename one field."""

    def __call__(self, frame: DynamicFrame, old_name: str, new_name: str, **shared: Any) -> DynamicFrame:
        """Run it on ``frame``."""
        return frame.rename_field(old_name, new_name, **shared)


class DropNullFields(GlueTransform):
    """Remove the fields that are null in every record."""

    def __call__(
        self,
        frame: DynamicFrame,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Run it on ``frame``."""
        return drop_null_fields(frame, name=transformation_ctx).checked(stageThreshold, totalThreshold)


class Filter(GlueTransform):
    """Keep the records for which a function is true."""

    def __call__(self, frame: DynamicFrame, f: Callable[[Any], bool], **shared: Any) -> DynamicFrame:
        """Run it on ``frame``."""
        return frame.filter(f, **shared)


class Map(GlueTransform):
    """Apply a function to every record."""

    def __call__(self, frame: DynamicFrame, f: Callable[[Any], Any], **shared: Any) -> DynamicFrame:
        """Run it on ``frame``."""
        return frame.map(f, **shared)


class Join(GlueTransform):
    """Join two frames by equal fields."""

    def __call__(
        self,
        frame1: DynamicFrame,
        frame2: DynamicFrame,
        keys1: Sequence[str],
        keys2: Sequence[str],
        transformation_ctx: str = "",
    ) -> DynamicFrame:
        """Run it."""
        return frame1.join(keys1, keys2, frame2, transformation_ctx)


class SplitFields(GlueTransform):
    """Two frames: of some fields and of the others."""

    def __call__(
        self,
        frame: DynamicFrame,
        paths: Sequence[str],
        name1: str = "first",
        name2: str = "second",
        transformation_ctx: str = "",
    ) -> DynamicFrameCollection:
        """Run it on ``frame``."""
        first, second = split_fields(frame, paths)
        return DynamicFrameCollection({name1: first, name2: second}, frame.glue_ctx)


class SplitRows(GlueTransform):
    """Two frames: of the records that satisfy comparisons and of the others."""

    def __call__(
        self,
        frame: DynamicFrame,
        comparison_dict: Mapping[str, Mapping[str, Any]],
        name1: str = "first",
        name2: str = "second",
        transformation_ctx: str = "",
    ) -> DynamicFrameCollection:
        """Run it on ``frame``."""
        first, second = split_rows(frame, comparison_dict, name=transformation_ctx)
        return DynamicFrameCollection({name1: first, name2: second}, frame.glue_ctx)


class SelectFromCollection(GlueTransform):
    """One frame of a collection."""

    def __call__(self, dfc: DynamicFrameCollection, key: str, transformation_ctx: str = "") -> DynamicFrame:
        """Run it on ``dfc``."""
        return dfc.select(key)


class ErrorsAsDynamicFrame(GlueTransform):
    """The error records of a frame."""

    def __call__(self, frame: DynamicFrame) -> DynamicFrame:
        """Run it on ``frame``."""
        return frame.errorsAsDynamicFrame()
