"""``from awsglue.dynamicframe import DynamicFrame, DynamicFrameReader, DynamicFrameWriter``, and so on."""

from etl.collection import DynamicFrameCollection
from etl.dynamicframe import DynamicFrame
from etl.frame import ResolveOption
from etl.reading import FrameReader as DynamicFrameReader
from etl.writing import FrameWriter as DynamicFrameWriter

__all__ = ["DynamicFrame", "DynamicFrameCollection", "DynamicFrameReader", "DynamicFrameWriter", "ResolveOption"]
