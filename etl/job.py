"""Job: the frame of a Glue script (AWS Glue Developer Guide, "Job class")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lakelet.workspace.errors import UsageError

if TYPE_CHECKING:
    from lakelet.etl.context import GlueContext


class Job:
    """Initialised at a script's start and committed at its end.

    ``commit`` carries out the purges that no write has followed. Bookmarks are refused where a run is started.
    """

    def __init__(self, glue_context: GlueContext) -> None:
        self._context = glue_context
        self.name = ""

    def init(self, job_name: str, args: Mapping[str, str] | None = None) -> None:
        """Begin the job. Raises UsageError without a name."""
        if not job_name:
            raise UsageError("Job.init needs the job's name: getResolvedOptions(sys.argv, ['JOB_NAME'])['JOB_NAME'].")
        self.name = job_name

    def isInitialized(self) -> bool:
        """Whether ``init`` was called."""
        return bool(self.name)

    def commit(self) -> None:
        """End the job's work. Raises UsageError when ``init`` was not called."""
        if not self.name:
            raise UsageError("Job.commit was called before Job.init: call job.init(args['JOB_NAME'], args) first.")
        self._context.purges.commit()
        self._context.scans.published()
