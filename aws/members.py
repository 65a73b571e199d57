"""What becomes of each input member: it acts, it is kept without effect, or it is refused (docs/adr/0038).

A member that an operation's function takes acts, unless a row says otherwise; one that it does not take needs a row
that says REFUSED. Rows name a service, an operation (``*``: all that have the member), and a member, by a path below
it. A row of a member that acts has a note on how far.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from botocore.model import Shape

from lakelet.aws.operations import Operation, Service
from lakelet.jobs import definitions


class Effect(Enum):
    """What a member does."""

    ACTS = "acts"
    KEPT = "kept"
    REFUSED = "refused"


@dataclass(frozen=True)
class Row:
    """A member that does not simply act, and why; or a note on how it acts."""

    service: str
    operation: str
    path: str
    effect: Effect
    reason: str

    def of(self, operation: Operation) -> bool:
        """Whether the row is about a member of this operation."""
        served = operation.model.service_model.service_name, operation.model.name
        return (
            self.service == served[0]
            and self.operation in ("*", served[1])
            and _has(operation.model.input_shape, self.path.split("."))
        )


def _has(shape: Shape | None, path: list[str]) -> bool:
    for name in path:
        while shape is not None and shape.type_name == "list":
            shape = shape.member
        shape = getattr(shape, "members", {}).get(name)
        if shape is None:
            return False
    return shape is not None


def _rows() -> Iterator[Row]:
    for member, reason in definitions.KEPT.items():
        yield from _of_job(member, Effect.KEPT, reason)
    for member in ("AllocatedCapacity", "ExecutionClass", "JobRunQueuingEnabled", "NotificationProperty",
                   "SecurityConfiguration", "WorkerType"):  # fmt: skip
        yield Row("glue", "StartJobRun", member, Effect.KEPT, definitions.KEPT[member])
    for member, note in definitions.NOTES.items():
        yield from _of_job(member, Effect.ACTS, note)
    for member in ("MaxCapacity", "NumberOfWorkers"):
        yield Row("glue", "StartJobRun", member, Effect.ACTS, definitions.NOTES[member])
    yield from _of_job("Command.PythonVersion", Effect.KEPT, "the Python of this installation runs")
    yield from _of_job("Command.Runtime", Effect.REFUSED, "Lakelet has no Ray")
    for effect_of, rows in ((Effect.ACTS, _ACTS), (Effect.KEPT, _KEPT), (Effect.REFUSED, _REFUSED)):
        for service, operation, member, reason in rows:
            yield Row(service, operation, member, effect_of, reason)


def _of_job(member: str, effect_of: Effect, reason: str) -> Iterator[Row]:
    yield Row("glue", "CreateJob", member, effect_of, reason)
    yield Row("glue", "UpdateJob", f"JobUpdate.{member}", effect_of, reason)


_ACTS = (
    ("glue", "StartJobRun", "JobRunId", "a new run of that run's arguments, and of those given beside it, which win"),
    ("glue", "*", "Targets.S3Targets.Path", "a folder, or a bucket"),
    ("glue", "*", "Targets.S3Targets.Exclusions", "globs below the Path"),
    ("glue", "*", "Targets.S3Targets.SampleSize", "objects of a folder that are read, 1 to 249"),
    ("glue", "*", "Targets.JdbcTargets.ConnectionName", "a connection of PostgreSQL, MySQL or MariaDB"),
    ("glue", "*", "Targets.JdbcTargets.Path", "database/schema/table or database/table; % stands for any characters"),
    ("glue", "*", "Targets.JdbcTargets.Exclusions", "globs below the Path"),
    ("glue", "*", "Targets.JdbcTargets.EnableAdditionalMetadata", "COMMENTS; RAWTYPES is refused"),
    ("glue", "*", "Targets.CatalogTargets.DatabaseName", "such targets stand alone, with DeleteBehavior LOG"),
    ("glue", "*", "Targets.CatalogTargets.Tables", "with DatabaseName"),
    ("glue", "*", "Targets.IcebergTargets.Paths", "folders"),
    ("glue", "*", "Targets.IcebergTargets.Exclusions", "globs below the paths"),
    ("glue", "*", "Targets.IcebergTargets.MaximumTraversalDepth", "1 to 20"),
    ("glue", "*", "RecrawlPolicy.RecrawlBehavior", "CRAWL_EVENT_MODE is refused: there is no SQS"),
    ("glue", "*", "ConnectionInput.ConnectionType", "JDBC, MONGODB and the others of docs/connections.md"),
    ("glue", "*", "ConnectionInput.MatchCriteria", "GetConnections looks for them"),
    ("glue", "*", "ConnectionInput.ValidateCredentials", "of JDBC and MONGODB: a login is tried"),
    ("glue", "*", "ConnectionInput.SparkProperties", "GetConnection shows them to this compute environment"),
    ("glue", "*", "ConnectionInput.AthenaProperties", "GetConnection shows them to this compute environment"),
    ("glue", "*", "ConnectionInput.PythonProperties", "GetConnection shows them to this compute environment"),
    ("glue", "*", "DatabaseInput.LocationUri", "where Spark puts tables that name no place"),
    ("glue", "*", "DatabaseInput.CreateTableDefaultPermissions", "of tables made later, instead of the settings'"),
    ("glue", "*", "DatabaseInput.TargetDatabase", "a resource link, to this account's database"),
    ("glue", "*", "TableInput.TargetTable", "a resource link, to this account's table"),
    ("glue", "*", "TableInput.StorageDescriptor.SchemaReference", "the columns are those of the schema"),
    ("glue", "*", "TransactionId", "any one is an InvalidInputException: AWS has ended governed tables"),
    ("glue", "*", "QueryAsOfTime", "any one is an InvalidInputException: AWS has ended governed tables"),
    ("glue", "*", "AuditContext", "a line in the control process's log"),
    ("glue", "PutDataCatalogEncryptionSettings", "DataCatalogEncryptionSettings.EncryptionAtRest.CatalogEncryptionMode",
     "DISABLED; the others are refused, for nothing is encrypted"),
    ("glue", "PutDataCatalogEncryptionSettings",
     "DataCatalogEncryptionSettings.ConnectionPasswordEncryption.ReturnConnectionPasswordEncrypted",
     "there is no key service, so that such a password is not given"),
    ("lakeformation", "*", "WithPrivilegedAccess", "false; true is refused, for it would grant nothing"),
    ("sts", "AssumeRole", "ProvidedContexts", "an error: Lakelet has no IAM Identity Center"),
    ("sts", "AssumeRoleWithWebIdentity", "ProviderId", "an error: only tokens of OpenID Connect are verified"),
    ("sts", "GetWebIdentityToken", "Scope", "an error, as on AWS for a session without an origin identity"),
    ("sts", "GetWebIdentityToken", "SubjectMode", "OriginIdentity is an error, as on AWS for a session without one"),
)  # fmt: skip
_CRAWLS = "a crawl reads with the workspace's own keys"
_ENCRYPTS = "only one that has every encryption disabled"
_ONE_ACCOUNT = "Lakelet has one account"
_STATUS = "no definition of a view is ever pending"
_LOCATION = "requests have the workspace's own keys; Lake Formation's grants hold in any case"
_ENGINES = "IAM decides which engines get unfiltered metadata"
_READERS = "no reader or writer heeds it"
_KEPT = (
    ("glue", "GetCatalogs", "Recursive", "no catalog is in another than the account's own"),
    ("glue", "GetJobRun", "PredecessorsIncluded", "there are no workflows, and so no predecessors"),
    ("glue", "GetSchemaVersionsDiff", "SchemaDiffType", "SYNTAX_DIFF is the only one"),
    ("glue", "GetTable", "IncludeStatusDetails", _STATUS),
    ("glue", "GetTables", "IncludeStatusDetails", _STATUS),
    ("glue", "SearchTables", "IncludeStatusDetails", _STATUS),
    ("glue", "PutResourcePolicy", "EnableHybrid", _ONE_ACCOUNT),
    ("glue", "CreateCrawler", "Role", _CRAWLS),
    ("glue", "UpdateCrawler", "Role", _CRAWLS),
    ("glue", "*", "CrawlerSecurityConfiguration", _ENCRYPTS),
    ("glue", "*", "LineageConfiguration", "DISABLE; ENABLE is refused, for crawls record no lineage"),
    ("glue", "*", "LakeFormationConfiguration", f"UseLakeFormationCredentials true is refused: {_CRAWLS}"),
    ("glue", "StartColumnStatisticsTaskRun", "Role", _CRAWLS.replace("crawl", "run")),
    ("glue", "StartColumnStatisticsTaskRun", "SecurityConfiguration", _ENCRYPTS),
    ("glue", "CreateColumnStatisticsTaskSettings", "Role", _CRAWLS.replace("crawl", "run")),
    ("glue", "CreateColumnStatisticsTaskSettings", "SecurityConfiguration", _ENCRYPTS),
    ("glue", "UpdateColumnStatisticsTaskSettings", "Role", _CRAWLS.replace("crawl", "run")),
    ("glue", "UpdateColumnStatisticsTaskSettings", "SecurityConfiguration", _ENCRYPTS),
    ("glue", "*", "TableOptimizerConfiguration.roleArn", _CRAWLS.replace("crawl", "run")),
    ("glue", "*", "TableOptimizerConfiguration.vpcConfiguration", "everything is reached from this machine"),
    ("glue", "*", "ConnectionInput.Description", "a text"),
    ("glue", "*", "ConnectionInput.PhysicalConnectionRequirements", "everything is reached from this machine"),
    ("glue", "*", "DatabaseInput.Description", "a text"),
    ("glue", "*", "TableInput.Description", "a text"),
    ("glue", "*", "TableInput.Owner", "Lake Formation's grants decide who may do what"),
    ("glue", "*", "TableInput.LastAccessTime", "a moment, as the client knows it"),
    ("glue", "*", "TableInput.LastAnalyzedTime", "a moment, as the client knows it"),
    ("glue", "*", "TableInput.Retention", "no table expires, nor does it on AWS"),
    ("glue", "*", "TableInput.StorageDescriptor.AdditionalLocations", _READERS),
    ("glue", "*", "TableInput.StorageDescriptor.Compressed", "objects say it themselves"),
    ("glue", "*", "TableInput.StorageDescriptor.SerdeInfo.Name", "a text; SerializationLibrary counts"),
    ("glue", "*", "TableInput.StorageDescriptor.SkewedInfo", _READERS),
    ("glue", "*", "TableInput.StorageDescriptor.StoredAsSubDirectories", _READERS),
    ("glue", "*", "CatalogInput.AllowFullTableExternalDataAccess", "there is no data outside"),
    ("glue", "*", "CatalogInput.OverwriteChildResourcePermissionsWithDefault", "all have one default"),
    ("lakeformation", "*", "RoleArn", _LOCATION),
    ("lakeformation", "*", "UseServiceLinkedRole", _LOCATION),
    ("lakeformation", "*", "HybridAccessEnabled", "Lake Formation's grants hold for everybody in any case"),
    ("lakeformation", "*", "WithFederation", "no location is another system's"),
    *(
        ("lakeformation", "PutDataLakeSettings", f"DataLakeSettings.{member}", reason)
        for member, reason in (
            ("ReadOnlyAdmins", "it gives nothing: grant DESCRIBE"),
            ("TrustedResourceOwners", _ONE_ACCOUNT),
            ("AllowExternalDataFiltering", _ENGINES),
            ("ExternalDataFilteringAllowList", _ENGINES),
            ("AllowFullTableExternalDataAccess", _ENGINES),
            ("AuthorizedSessionTagValueList", _ENGINES),
        )
    ),
    ("sts", "GetDelegatedAccessToken", "TradeInToken", "every one has expired: no delegation request has made one"),
    ("sts", "GetScopedCredentials", "ScopedSessionDescription", "a text for CloudTrail, which is not here"),
)  # fmt: skip
_KEYS = "Lakelet decrypts no assertions"
_CENTER = "Lakelet has no IAM Identity Center"
_CONSOLE = "Lakelet has no console to sign in to"
_SIMULATED = "Lakelet simulates with the policies of the account alone"
_DIRECT = "Lakelet reaches S3 without a connection"
_QUEUES = "Lakelet has no SQS: a crawl lists the objects"
_OWN = "a catalog of Lakelet's holds its databases itself"
_REFUSED = (
    ("glue", "StartJobRun", "ExecutionRoleSessionPolicy", "Lakelet's runs have the workspace's own keys, not narrower"),
    ("glue", "*", "Targets.S3Targets.ConnectionName", _DIRECT),
    ("glue", "*", "Targets.S3Targets.EventQueueArn", _QUEUES),
    ("glue", "*", "Targets.S3Targets.DlqEventQueueArn", _QUEUES),
    ("glue", "*", "Targets.CatalogTargets.ConnectionName", _DIRECT),
    ("glue", "*", "Targets.CatalogTargets.EventQueueArn", _QUEUES),
    ("glue", "*", "Targets.CatalogTargets.DlqEventQueueArn", _QUEUES),
    ("glue", "*", "Targets.IcebergTargets.ConnectionName", _DIRECT),
    ("glue", "*", "Targets.MongoDBTargets", "Lakelet crawls no MongoDB"),
    ("glue", "*", "Targets.DynamoDBTargets", "Lakelet has no DynamoDB"),
    ("glue", "*", "Targets.DeltaTargets", "Lakelet crawls no Delta tables"),
    ("glue", "*", "Targets.HudiTargets", "Lakelet crawls no Hudi tables"),
    ("glue", "*", "ConnectionInput.AuthenticationConfiguration", "Lakelet has no Secrets Manager and no OAuth"),
    ("glue", "*", "ConnectionInput.ValidateForComputeEnvironments", "Lakelet tries a connection from one place"),
    ("glue", "*", "TableInput.FederatedTable", "Lakelet's tables are its own"),
    ("glue", "*", "DatabaseInput.FederatedDatabase", "Lakelet's databases are its own"),
    ("glue", "*", "CatalogInput.FederatedCatalog", _OWN),
    ("glue", "*", "CatalogInput.TargetRedshiftCatalog", _OWN),
    ("glue", "*", "CatalogInput.CatalogProperties.DataLakeAccessProperties", _OWN),
    ("glue", "*", "CatalogInput.CatalogProperties.IcebergOptimizationProperties", _OWN),
    ("iam", "*", "AddPrivateKey", _KEYS),
    ("iam", "*", "RemovePrivateKey", _KEYS),
    ("iam", "*", "AssertionEncryptionMode", _KEYS),
    ("iam", "*", "ContextProvider", _CENTER),
    ("iam", "*", "RemoveContextProvider", _CENTER),
    ("iam", "*", "IdentityCenterInstanceArn", _CENTER),
    ("iam", "*", "RemoveIdentityCenterInstance", _CENTER),
    ("iam", "*", "MaxSigninSessionDuration", _CONSOLE),
    ("iam", "*", "ResetMaxSigninSessionDuration", _CONSOLE),
    ("iam", "*", "CallerArn", _SIMULATED),
    ("iam", "*", "OrderedOrganizationPolicyInputList", "Lakelet has no organizations"),
    ("iam", "*", "PolicyExclusionList", _SIMULATED),
    ("iam", "*", "ResourceHandlingOption", "Lakelet has no EC2"),
    ("iam", "*", "ResourceOwner", _SIMULATED),
    ("iam", "*", "ResourcePolicy", _SIMULATED),
    ("lakeformation", "*", "Condition", "Lakelet's grants have no conditions"),
    ("lakeformation", "*", "ExpectedResourceOwnerAccount", "Lakelet has one account"),
)
ROWS = tuple(_rows())


def effect(operation: Operation, member: str) -> Effect | None:
    """What a member of an operation's input does; None when no class has it."""
    row = next((row for row in ROWS if row.path == member and row.of(operation)), None)
    if member in operation.arguments:
        return row.effect if row else Effect.ACTS
    return row.effect if row and row.effect is Effect.REFUSED else None


def unclassified(services: Iterable[Service]) -> list[str]:
    """Members that are in no class, and rows that contradict the signatures or name nothing."""
    operations = [operation for service in services for operation in service.operations.values()]
    missing = [
        f"{operation.model.name}.{member}"
        for operation in operations
        for member in getattr(operation.model.input_shape, "members", ())
        if effect(operation, member) is None
    ]
    idle = [f"{row.operation}.{row.path}" for row in ROWS if not any(row.of(operation) for operation in operations)]
    taken = [
        f"{operation.model.name}.{row.path}"
        for operation in operations
        for row in ROWS
        if row.effect is Effect.REFUSED and row.path in operation.arguments and row.of(operation)
    ]
    return missing + idle + taken
