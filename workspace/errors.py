"""Every error Lakelet raises on purpose: one family, a sentence each, naming the object and what to do next.

Two branches: :class:`LakeletError` for people at the command line, and :class:`ServiceError` for callers of
the AWS wire, whose subclasses carry the names of the errors in AWS's own service models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class LakeletError(Exception):
    """The root of the family; the command line prints it as one sentence and exits with ``exit_code``."""

    exit_code = 1


class UsageError(LakeletError):
    """What was asked for makes no sense as written: a malformed name, a bad value, a missing argument. The name of
    something that does not exist is no usage error."""

    exit_code = 2


class NotFoundError(LakeletError):
    """What is named (a run, a job, a script, an index) does not exist; on the wire that is EntityNotFoundException."""


class SettingError(UsageError):
    """A setting is unknown or its value cannot be read."""


class PlatformError(LakeletError):
    """This machine cannot run Lakelet (operating system, processor, Python)."""


class InstallError(LakeletError):
    """A part of the stack could not be installed: no network, wrong checksum, full disk."""


class StackError(LakeletError):
    """A component could not be started, stopped or reached."""


class NotRunningError(StackError):
    """The stack, or one of its components, is not running."""

    exit_code = 3


class QueryError(LakeletError):
    """A SQL statement was refused or failed."""


class RunError(LakeletError):
    """A run ended in a state other than SUCCEEDED."""

    exit_code = 4


class PublishError(LakeletError):
    """A write could not be staged, committed or applied."""


class IndexingError(LakeletError):
    """Documents could not be indexed: refused by OpenSearch, or not all there."""


class QualityError(LakeletError):
    """Data failed its expectations."""


class ServiceError(LakeletError):
    """An error that a caller of the AWS wire sees under its AWS name, which is the name of the class."""

    status = 400

    @property
    def code(self) -> str:
        """The error code on the wire, as in AWS's service models."""
        return type(self).__name__


class AccessDeniedException(ServiceError):
    """The caller may not do this. ``details``, when policies decided, are what DecodeAuthorizationMessage tells."""

    status = 403
    details: Mapping[str, Any] | None = None


class EntityNotFoundException(ServiceError):
    """A named entity (database, table, partition, job, run, crawler) does not exist."""


class AlreadyExistsException(ServiceError):
    """An entity of that name exists already."""


class InvalidInputException(ServiceError):
    """The input has the right shape but a value that the operation cannot take."""


class ValidationException(ServiceError):
    """The request does not fit the operation's input shape."""


class ConcurrentModificationException(ServiceError):
    """Somebody else changed the same object first; read it again and retry."""


class ConflictException(ServiceError):
    """The object is in the middle of something that this would disturb; wait and retry."""


class ResourceNumberLimitExceededException(ServiceError):
    """There are as many of these as AWS's quota allows; delete one first."""


class ResourceNotReadyException(ServiceError):
    """The object is still being made; wait and retry."""


class ConditionCheckFailureException(ServiceError):
    """A condition that the request set is not met; read the object again."""


class ConcurrentRunsExceededException(ServiceError):
    """The job has as many runs under way as its MaxConcurrentRuns allows."""


class CrawlerRunningException(ServiceError):
    """The crawler is running already."""


class CrawlerNotRunningException(ServiceError):
    """The crawler is not running."""


class CrawlerStoppingException(ServiceError):
    """The crawler is stopping already."""


class ColumnStatisticsTaskRunningException(ServiceError):
    """The table's column statistics are being computed already."""


class ColumnStatisticsTaskNotRunningException(ServiceError):
    """No run computes the table's column statistics."""


class ColumnStatisticsTaskStoppingException(ServiceError):
    """The run that computes the table's column statistics is stopping already."""


class NoScheduleException(ServiceError):
    """The crawler has no schedule that could be started."""


class SchedulerRunningException(ServiceError):
    """The crawler's schedule is running already."""


class SchedulerNotRunningException(ServiceError):
    """The crawler's schedule is not running."""


class PermissionTypeMismatchException(ServiceError):
    """An engine cannot filter as the permissions on a table need it."""


class GlueEncryptionException(ServiceError):
    """What was asked for may only be given encrypted, and there is nothing here to encrypt it with."""


class InternalServiceException(ServiceError):
    """Something inside failed; the control process's log has the details."""

    status = 500


class ServiceUnavailableException(ServiceError):
    """A component that this request needs (the object store, say) is down; retry when it is back."""

    status = 503


class NotImplementedException(ServiceError):
    """The operation, or one of the members sent with it, is not served here."""

    status = 501
