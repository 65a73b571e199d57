"""``from awsglue.job import Job``."""

from lakelet.etl.job import Job

__all__ = ["Job"]
