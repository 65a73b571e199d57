"""DynamicFrameCollection: named DynamicFrames, as some transforms return them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from etl.dynamicframe import DynamicFrame
from workspace.errors import UsageError


class DynamicFrameCollection:
    """A mapping from names to DynamicFrames that share one GlueContext."""

    def __init__(self, dynamic_frames: Mapping[str, DynamicFrame] | Iterable[DynamicFrame], glue_ctx: object) -> None:
        if isinstance(dynamic_frames, Mapping):
            self._frames: dict[str, DynamicFrame] = dict(dynamic_frames)
        else:
            self._frames = {frame.name: frame for frame in dynamic_frames}
        self.glue_ctx = glue_ctx

    def keys(self) -> Iterator[str]:
        """The names."""
        return iter(self._frames)

    def values(self) -> Iterator[DynamicFrame]:
        """The frames."""
        return iter(self._frames.values())

    def select(self, key: str) -> DynamicFrame:
        """The frame of that name. Raises UsageError when there is none."""
        if key not in self._frames:
            raise UsageError(f"The collection has no frame {key!r}: there are {', '.join(self._frames)}.")
        return self._frames[key]

    def __getitem__(self, key: str) -> DynamicFrame:
        return self.select(key)

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)
