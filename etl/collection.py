"""DynamicFrameCollection: named DynamicFrames, as some transforms return them.

AWS Glue Developer Guide, "DynamicFrameCollection class".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NoReturn

from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from lakelet.etl.context import GlueContext


class DynamicFrameCollection:
    """A mapping from names to DynamicFrames that share one GlueContext."""

    def __init__(
        self, dynamic_frames: Mapping[str, DynamicFrame] | Iterable[DynamicFrame], glue_ctx: GlueContext
    ) -> None:
        if isinstance(dynamic_frames, Mapping):
            self._frames: dict[str, DynamicFrame] = dict(dynamic_frames)
        else:
            self._frames = {frame.name: frame for frame in dynamic_frames}
        self.glue_ctx = glue_ctx

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):  # before __init__ there are no frames to tell
            raise AttributeError(name)
        raise AttributeError(
            f"A DynamicFrameCollection has no {name}: take one of its frames ({', '.join(self._frames)}) by"
            " SelectFromCollection, or write them all by write_from_options."
        )

    def keys(self) -> Iterator[str]:
        """The names."""
        return iter(self._frames)

    def values(self) -> Iterator[DynamicFrame]:
        """The frames."""
        return iter(self._frames.values())

    def select(self, key: str, transformation_ctx: str = "") -> DynamicFrame:
        """The frame of that name. Raises UsageError when there is none."""
        if key not in self._frames:
            raise UsageError(f"The collection has no frame {key!r}: there are {', '.join(self._frames)}.")
        frame = self._frames[key]
        if transformation_ctx:
            frame.name = transformation_ctx
        return frame

    def map(
        self, callable: Callable[[DynamicFrame, str], DynamicFrame], transformation_ctx: str = ""
    ) -> DynamicFrameCollection:
        """The collection of what a function of a frame and its context (this one's and the frame's name) makes of each.

        Raises UsageError for a function that returns no DynamicFrame.
        """
        made = {key: callable(frame, transformation_ctx + key) for key, frame in self._frames.items()}
        for key, frame in made.items():
            if not isinstance(frame, DynamicFrame):
                raise UsageError(f"The function that was mapped makes of {key} no DynamicFrame: it has to return one.")
        return DynamicFrameCollection(made, self.glue_ctx)

    def flatmap(
        self,
        f: Callable[[DynamicFrame, str], DynamicFrame | DynamicFrameCollection],
        transformation_ctx: str = "",
    ) -> DynamicFrameCollection:
        """The same for a function that may return a collection: its frames are named ``frame_name`` each.

        Raises UsageError for a function that returns neither.
        """
        made: dict[str, DynamicFrame] = {}
        for key, frame in self._frames.items():
            result = f(frame, transformation_ctx + key)
            if isinstance(result, DynamicFrameCollection):
                made |= {f"{key}_{name}": one for name, one in result._frames.items()}
            elif isinstance(result, DynamicFrame):
                made[key] = result
            else:
                raise UsageError(f"The function that was mapped makes of {key} no DynamicFrame or collection of them.")
        return DynamicFrameCollection(made, self.glue_ctx)

    def __getitem__(self, key: str) -> DynamicFrame:
        return self.select(key)

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)
