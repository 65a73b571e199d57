"""DynamicFrame: a Spark DataFrame whose columns may still be undecided between types (:mod:`lakelet.etl.frame`).

Its transforms are one file each of :mod:`lakelet.etl.transforms`; names, order and defaults of their parameters are
those of the AWS Glue Developer Guide, "DynamicFrame class".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lakelet.etl.errors import UnsupportedError, refuse_unknown
from lakelet.etl.frame import Frame, ResolveOption, field_of, require_fields

if TYPE_CHECKING:
    from lakelet.etl.collection import DynamicFrameCollection

__all__ = ["DynamicFrame", "ResolveOption", "field_of", "require_fields"]

Specs = Sequence[tuple[str, str]]


class DynamicFrame(Frame):
    """Rows with a schema that may hold choices, what can be done with them, and their error records.

    Every transform takes ``stageThreshold`` and ``totalThreshold``, the numbers of error records above which it raises
    ErrorThresholdError (0: never), and ``transformation_ctx``, which names the new frame.
    """

    def apply_mapping(
        self,
        mappings: Sequence[Sequence[str]],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        case_sensitive: bool = False,
    ) -> DynamicFrame:
        """Rename, cast and select: see :mod:`lakelet.etl.transforms.apply_mapping`."""
        from lakelet.etl.transforms.apply_mapping import apply_mapping

        frame = apply_mapping(self, mappings, case_sensitive=case_sensitive, name=transformation_ctx)
        return frame.checked(stageThreshold, totalThreshold)

    def resolveChoice(
        self,
        specs: Specs | None = None,
        choice: str = "",
        database: str | None = None,
        table_name: str | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        catalog_id: str | None = None,
    ) -> DynamicFrame:
        """Decide choices: see :mod:`lakelet.etl.transforms.resolve_choice`."""
        from lakelet.etl.tables import require_own_catalog
        from lakelet.etl.transforms.resolve_choice import resolve_choice

        require_own_catalog(self.glue_ctx.workspace, catalog_id)
        table = (database, table_name) if database and table_name else None
        frame = resolve_choice(self, specs=specs, choice=choice, table=table, name=transformation_ctx)
        return frame.checked(stageThreshold, totalThreshold)

    def select_fields(
        self,
        paths: Sequence[str],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Keep these fields: see :mod:`lakelet.etl.transforms.fields`."""
        from lakelet.etl.transforms.fields import select_fields

        return select_fields(self, paths, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def drop_fields(
        self,
        paths: Sequence[str],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Remove these fields: see :mod:`lakelet.etl.transforms.fields`."""
        from lakelet.etl.transforms.fields import drop_fields

        return drop_fields(self, paths, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def rename_field(
        self,
        oldName: str,
        newName: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        **options: Any,
    ) -> DynamicFrame:
        """Rename one field: see :mod:`lakelet.etl.transforms.fields`."""
        from lakelet.etl.transforms.fields import rename_field

        if options:
            raise UnsupportedError(f"rename_field does not support {', '.join(sorted(options))}: remove it.")
        return rename_field(self, oldName, newName, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def filter(
        self,
        f: Callable[[Any], bool],
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Keep the records for which ``f`` is true: see :mod:`lakelet.etl.transforms.records`."""
        from lakelet.etl.transforms.records import filter_records

        return filter_records(self, f, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def map(
        self,
        f: Callable[[Any], Any],
        preservesPartitioning: bool = False,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Apply ``f`` to every record: see :mod:`lakelet.etl.transforms.records`."""
        from lakelet.etl.transforms.records import map_records

        return map_records(self, f, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def join(
        self,
        paths1: Sequence[str],
        paths2: Sequence[str],
        frame2: DynamicFrame,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Equality join: see :mod:`lakelet.etl.transforms.join`."""
        from lakelet.etl.transforms.join import join

        return join(self, frame2, paths1, paths2, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def union(
        self,
        frame2: DynamicFrame,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """The rows of both frames, fields matched by name; duplicates stay: see :mod:`lakelet.etl.transforms.union`."""
        from lakelet.etl.transforms.union import union

        return union(self, frame2, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def mergeDynamicFrame(
        self,
        stage_dynamic_frame: DynamicFrame,
        primary_keys: Sequence[str],
        transformation_ctx: str = "",
        options: Mapping[str, Any] | None = None,
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """These rows, those with the keys of a staging frame replaced: see :mod:`lakelet.etl.transforms.union`."""
        from lakelet.etl.transforms.union import merge_frames

        refuse_unknown(dict(options or {}), frozenset(), "mergeDynamicFrame")
        merged = merge_frames(self, stage_dynamic_frame, primary_keys, name=transformation_ctx)
        return merged.checked(stageThreshold, totalThreshold)

    def unnest(
        self,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Structs as fields ``a.b``: see :mod:`lakelet.etl.transforms.unnest`."""
        from lakelet.etl.transforms.unnest import unnest

        return unnest(self, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def unnest_ddb_json(
        self,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """DynamoDB JSON as flat fields: see :mod:`lakelet.etl.transforms.dynamodb_json`."""
        from lakelet.etl.transforms.dynamodb_json import unnest_ddb_json

        return unnest_ddb_json(self, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def simplify_ddb_json(
        self,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """DynamoDB JSON as ordinary fields: see :mod:`lakelet.etl.transforms.dynamodb_json`."""
        from lakelet.etl.transforms.dynamodb_json import simplify_ddb_json

        return simplify_ddb_json(self, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def unbox(
        self,
        path: str,
        format: str,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
        **options: Any,
    ) -> DynamicFrame:
        """A field of text parsed into its structure: see :mod:`lakelet.etl.transforms.unbox`."""
        from lakelet.etl.transforms.unbox import unbox

        return unbox(self, path, format, options, name=transformation_ctx).checked(stageThreshold, totalThreshold)

    def relationalize(
        self,
        root_table_name: str,
        staging_path: str | None = None,
        options: Mapping[str, Any] | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrameCollection:
        """Flat tables of nested records: see :mod:`lakelet.etl.transforms.relationalize`."""
        from lakelet.etl.transforms.relationalize import relationalize

        refuse_unknown(dict(options or {}), frozenset(), "relationalize")
        self.checked(stageThreshold, totalThreshold)
        return relationalize(self, root_table_name, staging_path, name=transformation_ctx)

    def split_fields(
        self,
        paths: Sequence[str],
        name1: str = "first",
        name2: str = "second",
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrameCollection:
        """Two frames: of some fields and of the others: see :mod:`lakelet.etl.transforms.fields`."""
        from lakelet.etl.collection import DynamicFrameCollection
        from lakelet.etl.transforms.fields import split_fields

        first, second = split_fields(self, paths, name=transformation_ctx)
        self.checked(stageThreshold, totalThreshold)
        return DynamicFrameCollection({name1: first, name2: second}, self.glue_ctx)

    def split_rows(
        self,
        comparison_dict: Mapping[str, Mapping[str, Any]],
        name1: str = "first",
        name2: str = "second",
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrameCollection:
        """Two frames: records that satisfy comparisons and the others: see :mod:`lakelet.etl.transforms.split_rows`."""
        from lakelet.etl.collection import DynamicFrameCollection
        from lakelet.etl.transforms.split_rows import split_rows

        first, second = split_rows(self, comparison_dict, name=transformation_ctx)
        self.checked(stageThreshold, totalThreshold)
        return DynamicFrameCollection({name1: first, name2: second}, self.glue_ctx)

    def spigot(
        self,
        path: str,
        options: Mapping[str, Any] | None = None,
        transformation_ctx: str = "",
        info: str = "",
        stageThreshold: int = 0,
        totalThreshold: int = 0,
    ) -> DynamicFrame:
        """Write a sample of the records and go on with all: see :mod:`lakelet.etl.transforms.spigot`."""
        from lakelet.etl.transforms.spigot import spigot

        spigot(self, path, options or {}, transformation_ctx)
        return self.checked(stageThreshold, totalThreshold)

    def write(
        self,
        connection_type: str,
        connection_options: Mapping[str, Any] | None = None,
        format: str | None = None,
        format_options: Mapping[str, Any] | str | None = None,
        accumulator_size: int = 0,
    ) -> DynamicFrame:
        """Write the records, as GlueContext.write_dynamic_frame_from_options does; returns this frame."""
        if accumulator_size:
            raise UnsupportedError("write does not support accumulator_size: remove it.")
        return self.glue_ctx.write_dynamic_frame_from_options(
            self, connection_type, connection_options, format, format_options
        )
