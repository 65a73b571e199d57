"""``from awsglue.job import Job``."""

from etl.job import Job

__all__ = ["Job"]
