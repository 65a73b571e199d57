"""``from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection``."""

from etl.collection import DynamicFrameCollection
from etl.dynamicframe import DynamicFrame

__all__ = ["DynamicFrame", "DynamicFrameCollection"]
