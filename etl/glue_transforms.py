"""Glue's transform classes, ``ApplyMapping.apply(frame=…, mappings=…)``, in front of DynamicFrame's methods.

Each class can be called, or applied with its class method ``apply``, which AWS documents as the same thing. The
arguments that all share (``transformation_ctx``, ``info``, ``stageThreshold``, ``totalThreshold``) are DynamicFrame's
(AWS Glue Developer Guide, "GlueTransform base class" and the pages of the transforms).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lakelet.etl.collection import DynamicFrameCollection
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import UnsupportedError
from lakelet.etl.glue_transform import GlueTransform
from lakelet.etl.transforms.fields import drop_null_fields


class _MachineLearning(GlueTransform):
    def __call__(self, *args: Any, **kwargs: Any) -> DynamicFrame:
        raise UnsupportedError(f"{self.name()} is not supported: its model is AWS's own. Use Join, or Spark's ML.")


class ApplyMapping(GlueTransform):
    """Choose, rename and cast fields."""

    def __call__(
        self,
        frame: DynamicFrame,
        mappings: Sequence[Sequence[str]],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        case_sensitive: bool = False,
    ) -> DynamicFrame:
        """Run it."""
        return frame.apply_mapping(mappings, transformation_ctx, info, stageThreshold, totalThreshold, case_sensitive)


class DropFields(GlueTransform):
    """Remove fields."""

    def __call__(
        self,
        frame: DynamicFrame,
        paths: Sequence[str],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Run it."""
        return frame.drop_fields(paths, transformation_ctx, info, stageThreshold, totalThreshold)


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
        """Run it."""
        return drop_null_fields(frame, name=transformation_ctx).checked(stageThreshold, totalThreshold)


class ErrorsAsDynamicFrame(GlueTransform):
    """The error records of a frame."""

    def __call__(
        self,
        frame: DynamicFrame,
    ) -> DynamicFrame:
        """Run it."""
        return frame.errorsAsDynamicFrame()


class Filter(GlueTransform):
    """Keep the records for which a function is true."""

    def __call__(
        self,
        frame: DynamicFrame,
        f: Callable[[Any], bool],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Run it."""
        return frame.filter(f, transformation_ctx, info, stageThreshold, totalThreshold)


class FlatMap(GlueTransform):
    """Apply a transform to every frame of a collection; collections that it makes are joined into one."""

    def __call__(
        self,
        dfc: DynamicFrameCollection,
        BaseTransform: type[GlueTransform],
        frame_name: str,
        transformation_ctx: str = "",
        **base_kwargs: Any,
    ) -> DynamicFrameCollection:
        """Run it."""

        def run(frame: DynamicFrame, ctx: str) -> Any:
            return BaseTransform.apply(**{**base_kwargs, frame_name: frame, "transformation_ctx": ctx})

        return dfc.flatmap(run, transformation_ctx)


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


class Map(GlueTransform):
    """Apply a function to every record."""

    def __call__(
        self,
        frame: DynamicFrame,
        f: Callable[[Any], Any],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Run it."""
        return frame.map(f, False, transformation_ctx, info, stageThreshold, totalThreshold)


class MapToCollection(GlueTransform):
    """Apply a transform to every frame of a collection."""

    def __call__(
        self,
        dfc: DynamicFrameCollection,
        BaseTransform: type[GlueTransform],
        frame_name: str,
        transformation_ctx: str = "",
        **base_kwargs: Any,
    ) -> DynamicFrameCollection:
        """Run it."""

        def run(frame: DynamicFrame, ctx: str) -> DynamicFrame:
            made: DynamicFrame = BaseTransform.apply(**{**base_kwargs, frame_name: frame, "transformation_ctx": ctx})
            return made

        return dfc.map(run, transformation_ctx)


class Relationalize(GlueTransform):
    """Flat tables of nested records."""

    def __call__(
        self,
        frame: DynamicFrame,
        staging_path: str | None = None,
        name: str = "roottable",
        options: Mapping[str, Any] | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrameCollection:
        """Run it."""
        return frame.relationalize(
            name, staging_path, options, transformation_ctx, info, stageThreshold, totalThreshold
        )


class RenameField(GlueTransform):
    """Rename one field."""

    def __call__(
        self,
        frame: DynamicFrame,
        old_name: str,
        new_name: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Run it."""
        return frame.rename_field(old_name, new_name, transformation_ctx, info, stageThreshold, totalThreshold)


class ResolveChoice(GlueTransform):
    """Decide what a field of several types becomes."""

    def __call__(
        self,
        frame: DynamicFrame,
        specs: Sequence[tuple[str, str]] | None = None,
        choice: str = "",
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        database: str | None = None,
        table_name: str | None = None,
        catalog_id: str | None = None,
    ) -> DynamicFrame:
        """Run it."""
        return frame.resolveChoice(
            specs, choice, database, table_name, transformation_ctx, info, stageThreshold, totalThreshold, catalog_id
        )


class SelectFields(GlueTransform):
    """Keep fields."""

    def __call__(
        self,
        frame: DynamicFrame,
        paths: Sequence[str],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Run it."""
        return frame.select_fields(paths, transformation_ctx, info, stageThreshold, totalThreshold)


class SelectFromCollection(GlueTransform):
    """One frame of a collection."""

    def __call__(
        self,
        dfc: DynamicFrameCollection,
        key: str,
        transformation_ctx: str = "",
    ) -> DynamicFrame:
        """Run it."""
        return dfc.select(key, transformation_ctx)


class Simplify_ddb_json(GlueTransform):
    """DynamoDB JSON as ordinary fields."""

    def __call__(
        self,
        frame: DynamicFrame,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Run it."""
        return frame.simplify_ddb_json(transformation_ctx, info, stageThreshold, totalThreshold)


class Spigot(GlueTransform):
    """Write a sample of the records and go on with all."""

    def __call__(
        self,
        frame: DynamicFrame,
        path: str,
        options: Mapping[str, Any] | None = None,
        transformation_ctx: str = "",
    ) -> DynamicFrame:
        """Run it."""
        return frame.spigot(path, options, transformation_ctx)


class SplitFields(GlueTransform):
    """Two frames: of some fields and of the others."""

    def __call__(
        self,
        frame: DynamicFrame,
        paths: Sequence[str],
        name1: str = "first",
        name2: str = "second",
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrameCollection:
        """Run it."""
        return frame.split_fields(paths, name1, name2, transformation_ctx, info, stageThreshold, totalThreshold)


class SplitRows(GlueTransform):
    """Two frames: of the records that satisfy comparisons and of the others."""

    def __call__(
        self,
        frame: DynamicFrame,
        comparison_dict: Mapping[str, Mapping[str, Any]],
        name1: str = "first",
        name2: str = "second",
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrameCollection:
        """Run it."""
        return frame.split_rows(comparison_dict, name1, name2, transformation_ctx, info, stageThreshold, totalThreshold)


class Unbox(GlueTransform):
    """A field of text parsed into its structure."""

    def __call__(
        self,
        frame: DynamicFrame,
        path: str,
        format: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        **options: Any,
    ) -> DynamicFrame:
        """Run it."""
        return frame.unbox(path, format, transformation_ctx, info, stageThreshold, totalThreshold, **options)


class Union(GlueTransform):
    """The rows of two frames."""

    def __call__(
        self,
        frame1: DynamicFrame,
        frame2: DynamicFrame,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Run it."""
        return frame1.union(frame2, transformation_ctx, info, stageThreshold, totalThreshold)


class UnnestFrame(GlueTransform):
    """Structs as fields."""

    def __call__(
        self,
        frame: DynamicFrame,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Run it."""
        return frame.unnest(transformation_ctx, info, stageThreshold, totalThreshold)


class Unnest_ddb_json(GlueTransform):
    """DynamoDB JSON as flat fields."""

    def __call__(
        self,
        frame: DynamicFrame,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Run it."""
        return frame.unnest_ddb_json(transformation_ctx, info, stageThreshold, totalThreshold)


class FindMatches(_MachineLearning):
    """Refused by name: it needs a transform that AWS trained."""


class FindIncrementalMatches(_MachineLearning):
    """Refused by name: it needs a transform that AWS trained."""


class FillMissingValues(_MachineLearning):
    """Refused by name: AWS does not say by which model it fills."""
