"""Databases as sources and sinks: PostgreSQL, MySQL and MariaDB, by Spark's own JDBC.

"JDBC connections" and "Reading from JDBC tables in parallel" (AWS Glue Developer Guide).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakelet.catalog.connections.jdbc import MYSQL, POSTGRESQL, Address
from lakelet.catalog.glue import Glue
from lakelet.etl.choices import refuse_undecided
from lakelet.etl.dynamicframe import DynamicFrame
from lakelet.etl.errors import UnsupportedError, refuse_unknown
from lakelet.etl.options import flag, whole
from lakelet.etl.sail.engine import spark_only
from lakelet.workspace.errors import UsageError
from lakelet.workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lakelet.etl.context import GlueContext
    from lakelet.etl.tables import CatalogTable

Options = Mapping[str, Any]

TYPES = ("postgresql", "mysql", "mariadb", "jdbc")
PARTITIONS = 7  # AWS's default for hashpartitions
PARALLEL = frozenset({"hashfield", "hashexpression", "hashpartitions"})
SAMPLE = frozenset({"sampleQuery", "sampleSize", "enablePartitioningForSampleQuery"})
WHERE = frozenset({"url", "user", "password", "dbtable", "database", "connectionName", "useConnectionProperties"})
_DRIVERS = {POSTGRESQL: "org.postgresql.Driver", MYSQL: "org.mariadb.jdbc.Driver"}
_TLS = {
    POSTGRESQL: {True: "sslmode=require", False: "sslmode=prefer"},
    MYSQL: {True: "sslMode=trust", False: "sslMode=disable"},
}
_OPEN_END = re.compile(r"\b(?:where|and)\s*$", re.IGNORECASE)  # the end that AWS wants a sampleQuery to have


def connection_properties(workspace: Workspace, name: str, kind: str = "JDBC") -> dict[str, str]:
    """The properties of a connection of the catalog, password included.

    Raises EntityNotFoundException, UsageError for a connection of another type.
    """
    found: dict[str, Any] = Glue(workspace).call(
        "GetConnection", Name=name, ApplyOverrideForComputeEnvironment="SPARK"
    )["Connection"]
    if found["ConnectionType"] != kind:
        raise UsageError(f"The connection {name} is of the type {found['ConnectionType']}, and {kind} is wanted here.")
    return dict(found["ConnectionProperties"])


def extract_jdbc_conf(workspace: Workspace, name: str) -> dict[str, Any]:
    """A connection as AWS documents it for ``extract_jdbc_conf``: user, password, vendor, url (without the database),
    fullUrl and whether TLS is enforced."""
    given = connection_properties(workspace, name)
    address = Address.of(given)
    url = f"jdbc:{address.engine}://{_host(address)}:{address.port}"
    return {
        "user": given.get("USERNAME", ""),
        "password": given.get("PASSWORD", ""),
        "vendor": address.engine,
        "enforceSSL": str(given.get("JDBC_ENFORCE_SSL", "false")).lower(),
        "customJDBCCert": "",
        "skipCustomJDBCCertValidation": "false",
        "customJDBCCertString": "",
        "url": url,
        "fullUrl": f"{url}/{address.database}" if address.database else url,
    }


@dataclass(frozen=True)
class Database:
    """A database that Spark connects to."""

    engine: str
    url: str
    user: str
    password: str

    @classmethod
    def of(cls, workspace: Workspace, options: Options) -> Database:
        """From connection_options: a ``connectionName`` of the catalog, or ``url``, ``user`` and ``password``.

        Raises UsageError, InvalidInputException for a URL that cannot be read, EntityNotFoundException.
        """
        if name := options.get("connectionName"):
            given = connection_properties(workspace, str(name))
        elif options.get("url"):
            credentials = {"USERNAME": options.get("user", ""), "PASSWORD": options.get("password", "")}
            given = {"JDBC_CONNECTION_URL": str(options["url"])} | {key: str(one) for key, one in credentials.items()}
        else:
            raise UsageError("A database needs connection_options with a connectionName, or url, user and password.")
        spark_only("Reading and writing databases")
        address = Address.of(given)
        engine, parameters = address.driver, given.get("JDBC_CONNECTION_URL", "").partition("?")[2]
        told = [*filter(None, parameters.split("&")), _TLS[engine][address.tls]]
        told += ["permitMysqlScheme"] if engine == MYSQL else []
        database = str(options.get("database") or address.database)
        if not database:
            raise UsageError(f"Which database of {address.host}? Name it in the URL, or with the option database.")
        url = f"jdbc:{engine}://{_host(address)}:{address.port}/{database}?{'&'.join(told)}"
        return cls(engine, url, given.get("USERNAME", ""), given.get("PASSWORD", ""))

    @property
    def properties(self) -> dict[str, str]:
        """What Spark is told beside the URL; its UI and its logs leave the password out."""
        return {"user": self.user, "password": self.password, "driver": _DRIVERS[self.engine]}

    def predicates(self, options: Options) -> list[str]:
        """The conditions that take the rows apart for a parallel read; none for one at a time. Raises UsageError."""
        field, expression = options.get("hashfield"), options.get("hashexpression")
        if not field and not expression:
            return []
        number = whole(options, "hashpartitions", PARTITIONS)
        if field and expression:
            raise UsageError("A parallel read takes hashfield or hashexpression, and not both.")
        if field:
            expression = f"hashtext({field}::text)" if self.engine == POSTGRESQL else f"CRC32({field})"
        parts = [f"ABS(MOD({expression}, {number})) = {part}" for part in range(number)]
        return [f"{parts[0]} OR ({expression}) IS NULL", *parts[1:]]

    def read(self, context: GlueContext, options: Options) -> DataFrame:
        """The rows of ``dbtable``, or of a ``sampleQuery``; in parallel when the options say how. Raises UsageError."""
        predicates = self.predicates(options)
        table = str(options.get("dbtable") or "")
        if query := str(options.get("sampleQuery") or ""):
            if predicates and not flag(options, "enablePartitioningForSampleQuery"):
                predicates = []
            table = f"({_OPEN_END.sub('', query.rstrip().rstrip(';'))}) sampled"
        if not table:
            raise UsageError("A database needs the option dbtable: the table to read, with its schema if it has one.")
        read = context.spark_session.read.jdbc
        if predicates:
            rows = read(self.url, table, predicates=predicates, properties=self.properties)
        else:
            rows = read(self.url, table, properties=self.properties)
        return rows.limit(whole(options, "sampleSize", 1)) if options.get("sampleSize") else rows


def read_jdbc(context: GlueContext, kind: str, options: Options, ctx: str = "") -> DynamicFrame:
    """A table of a database, or a query's rows. Raises UnsupportedError for an option that is not known, UsageError."""
    refuse_unknown(dict(options), WHERE | PARALLEL | SAMPLE, f"The connection type {kind}")
    return DynamicFrame(Database.of(context.workspace, options).read(context, options), context, ctx)


def read_jdbc_table(context: GlueContext, table: CatalogTable, options: Options, ctx: str) -> DynamicFrame:
    """A table of the catalog that a crawler found in a database; its columns are those of the catalog."""
    refuse_unknown(dict(options), PARALLEL | SAMPLE, f"{table}, which lies in a database,")
    parallel = {name: value for name, value in table.parameters.items() if name in PARALLEL}
    given = {**parallel, **_place(table), **options}
    rows = Database.of(context.workspace, given).read(context, given)
    by_name = {name.lower(): name for name in rows.columns}
    if missing := [name for name, _ in table.columns if name.lower() not in by_name]:
        raise UsageError(f"{table} has no column {', '.join(missing)} in its database any more: crawl it again.")
    chosen = [f"`{by_name[name.lower()]}` AS `{name}`" for name, _ in table.columns]
    return DynamicFrame(rows.selectExpr(*chosen), context, ctx)


# What crawlers of AWS's have registered tables of, besides.
_OTHERS = ("redshift", "oracle", "sqlserver", "snowflake", "dynamodb", "bigquery", "teradata", "saphana")


def is_jdbc(table: CatalogTable) -> bool:
    """Whether a table of the catalog lies in a database. Raises UnsupportedError for one that jobs do not reach."""
    kind = str(table.parameters.get("classification", "")).lower()
    if kind in _OTHERS:
        raise UnsupportedError(
            f"{table} lies in {kind}, which jobs do not reach: put its rows on S3, or into one of "
            f"{', '.join(TYPES[:-1])}."
        )
    return bool(table.parameters.get("connectionName")) and kind in TYPES


@dataclass(frozen=True)
class JdbcSink:
    """Rows appended to a table of a database, which is made if it is not there.

    A database is no lake: rows come in a transaction for each of Spark's tasks, not all at once.
    """

    context: GlueContext
    database: Database
    table: str
    batch: int | None = None

    @classmethod
    def of_options(cls, context: GlueContext, kind: str, options: Options) -> JdbcSink:
        """From connection_options; ``bulkSize`` is the rows of one INSERT. Raises UnsupportedError, UsageError."""
        refuse_unknown(dict(options), WHERE | {"bulkSize"}, f"Writing to the connection type {kind}")
        if not options.get("dbtable"):
            raise UsageError("A database needs the option dbtable: the table to write to, with its schema if any.")
        batch = whole(options, "bulkSize", 1) if options.get("bulkSize") else None
        return cls(context, Database.of(context.workspace, options), str(options["dbtable"]), batch)

    @classmethod
    def of_table(cls, context: GlueContext, table: CatalogTable, options: Options) -> JdbcSink:
        """For a table of the catalog that lies in a database."""
        return cls.of_options(context, str(table.parameters["classification"]), {**_place(table), **options})

    def setFormat(self, format: str, **options: Any) -> None:
        """Refused: a database has its own format."""
        if format or options:
            raise UnsupportedError(f"A database takes no format, and {format} was given: leave it out.")

    def setCatalogInfo(self, catalogDatabase: str, catalogTableName: str, catalogId: str = "") -> None:
        """Refused: tables of databases are registered by crawlers."""
        raise UnsupportedError(
            f"{catalogDatabase}.{catalogTableName} cannot be registered by a sink to a database: crawl it instead."
        )

    def writeFrame(self, frame: DynamicFrame) -> DynamicFrame:
        """Append a frame; returns it. Raises UsageError for a choice that nobody resolved."""
        self.write_rows(frame.toDF())
        return frame

    def write_rows(self, rows: DataFrame) -> None:
        """Append a DataFrame. Raises UsageError for a choice that nobody resolved."""
        properties = self.database.properties | ({"batchsize": str(self.batch)} if self.batch else {})
        writable = self.context.scans.current(refuse_undecided(rows))
        self.context.scans.published()  # what has gone to a database cannot be taken back, and so not be read anew
        writable.write.jdbc(self.database.url, self.table, mode="append", properties=properties)


def _place(table: CatalogTable) -> dict[str, str]:
    """Where a crawled table lies: ``database.schema.table`` or ``database.table``."""
    database, _, name = table.place.partition(".")
    return {"connectionName": table.parameters["connectionName"], "database": database, "dbtable": name}


def _host(address: Address) -> str:
    return f"[{address.host}]" if ":" in address.host else address.host
