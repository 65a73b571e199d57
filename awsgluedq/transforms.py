"""``from awsgluedq.transforms import EvaluateDataQuality``."""

from etl.dqdl.transform import EvaluateDataQuality

__all__ = ["EvaluateDataQuality"]
