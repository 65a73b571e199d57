"""``from awsgluedq.transforms import EvaluateDataQuality``."""

from lakelet.etl.dqdl.transform import EvaluateDataQuality

__all__ = ["EvaluateDataQuality"]
