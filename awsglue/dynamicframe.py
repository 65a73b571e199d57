"""``from awsglue.dynamicframe import DynamicFrame, DynamicFrameReader, DynamicFrameWriter``, and so on."""

from lakelet.etl.collection import DynamicFrameCollection
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.frame import ResolveOption
from lakelet.etl.reading import FrameReader as DynamicFrameReader
from lakelet.etl.writing import FrameWriter as DynamicFrameWriter

__all__ = ["DynamicFrame", "DynamicFrameCollection", "DynamicFrameReader", "DynamicFrameWriter", "ResolveOption"]
