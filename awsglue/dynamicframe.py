"""``from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection, ResolveOption``."""

from etl.collection import DynamicFrameCollection
from etl.dynamicframe import DynamicFrame
from etl.frame import ResolveOption

__all__ = ["DynamicFrame", "DynamicFrameCollection", "ResolveOption"]
