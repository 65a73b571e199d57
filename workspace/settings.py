"""Settings as data: every knob is one row (name, default, help), documented in docs/settings.md.

A value comes from the environment (``LAKELET_MINIO_PORT``), else from ``lakelet.toml`` beside the project
(``minio_port = 9000``), else from the row's default.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lakelet.workspace.errors import SettingError

Value = str | int | bool


@dataclass(frozen=True)
class Setting:
    """One knob: its name, its default (whose type is the setting's type) and a sentence of help."""

    name: str
    default: Value
    help: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "LAKELET_" + self.name.upper()


SETTINGS = (
    Setting("region", "us-east-1", "The AWS region that every client is told."),
    Setting("account_id", "123456789012", "The AWS account id that every ARN carries."),
    Setting(
        "cache",
        "",
        "Folder of the installed parts (JDK, Spark jars, OpenSearch, MinIO); empty: the user's cache folder.",
    ),
    Setting("java_home", "", "An existing JDK 21 to use instead of the one Lakelet installs."),
    Setting("minio_binary", "", "An existing MinIO server binary to use instead of building one."),
    Setting(
        "database_url",
        "",
        "A PostgreSQL database (postgresql://user@host:port/name) for the state, instead of SQLite.",
    ),
    Setting("s3_endpoint", "", "An external S3 endpoint (http://host:port) to use instead of a MinIO of our own."),
    Setting(
        "s3_access_key", "", "The access key of the external S3 endpoint; the secret goes into LAKELET_S3_SECRET_KEY."
    ),
    Setting("opensearch_endpoint", "", "An external OpenSearch URL to use instead of a node of our own."),
    Setting("spark_master", "", "An external Spark master (spark://host:port) to use instead of a cluster of our own."),
    Setting("control_port", 4566, "Port of the control process: the AWS endpoint."),
    Setting("metastore_port", 9083, "Port of the catalog's Hive metastore face, for spark.sql."),
    Setting("minio_port", 9000, "Port of MinIO's S3 API."),
    Setting("minio_console_port", 9001, "Port of MinIO's console."),
    Setting("spark_master_port", 7077, "Port of the Spark master."),
    Setting("spark_master_ui_port", 8080, "Port of the Spark master's web UI."),
    Setting(
        "spark_worker_ui_port", 8081, "Port of the first Spark worker's web UI; the next workers take the next ports."
    ),
    Setting("spark_history_port", 18080, "Port of the Spark history server."),
    Setting("opensearch_port", 9200, "Port of OpenSearch's HTTP API."),
    Setting("opensearch_transport_port", 9300, "Port of OpenSearch's transport."),
    Setting("dashboards_port", 8501, "Port of the Streamlit dashboards."),
    Setting("warehouse", "s3://warehouse", "Folder of the lake for databases that name no location of their own."),
    Setting("workers", 2, "Number of Spark workers."),
    Setting("worker_cores", 1, "Cores of each Spark worker."),
    Setting("worker_memory_mb", 1536, "Memory that each Spark worker offers to executors, in MiB."),
    Setting("executor_memory_mb", 1024, "Heap of a Spark executor, in MiB."),
    Setting("driver_memory_mb", 1024, "Heap of a Spark driver, in MiB."),
    Setting("engine", "auto", "What runs a Glue job that does not say: spark, sail or auto."),
    Setting("sail_input_mb", 1024, "Size of the input up to which the engine auto chooses sail, in MiB."),
    Setting("opensearch_heap_mb", 512, "Heap of the OpenSearch node, in MiB."),
    Setting(
        "warm_sail_drivers",
        1,
        "1: runs on Sail are forks of a Python that has its imports done; 0: each starts anew.",
    ),
    Setting("warm_drivers", 1, "Number of Spark drivers that are started before there is a run for them; 0: none."),
    Setting("warm_driver_minutes", 10, "Minutes without a Spark run after which waiting drivers are ended."),
    Setting("queue_memory_mb", 6144, "Memory that job runs together may be admitted to, in MiB."),
    Setting("sql_workers", 2, "Number of pre-started single-use SQL workers."),
    Setting("sql_memory_mb", 1024, "Memory limit of one SQL statement, in MiB."),
    Setting("sql_timeout_seconds", 120, "Seconds after which a SQL statement is cancelled."),
    Setting("sql_result_mb", 256, "Size of one SQL answer at most, in MiB."),
    Setting(
        "run_output_mb",
        100,
        "Size up to which each log of a run's driver is kept, in MiB, and then its end; 0: no limit.",
    ),
    Setting("log_retention_days", 7, "Days that logs, Spark event logs and ended runs' folders are kept."),
    Setting("staging_retention_hours", 24, "Hours that abandoned staging objects are kept."),
)

BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}


class Settings:
    """The settings in force for one project folder.

    Raises :class:`~lakelet.workspace.errors.SettingError` for an unknown name in ``lakelet.toml`` and for a value
    that does not fit the setting's type.
    """

    def __init__(self, root: Path, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._file = _read_file(root / "lakelet.toml")

    def __getitem__(self, name: str) -> Value:
        setting = BY_NAME[name]
        if (text := self._environ.get(setting.variable)) is not None:
            return _parse(setting, text, f"the environment variable {setting.variable}")
        if name in self._file:
            return _parse(setting, str(self._file[name]), "lakelet.toml")
        return setting.default

    def text(self, name: str) -> str:
        """The value of a text setting."""
        return str(self[name])

    def number(self, name: str) -> int:
        """The value of a whole-number setting."""
        return int(self[name])

    def is_set(self, name: str) -> bool:
        """Whether the user chose the value, by environment or file."""
        return BY_NAME[name].variable in self._environ or name in self._file


def _read_file(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path.name} is not valid TOML ({error}): correct it or remove it.") from error
    if unknown := sorted(values.keys() - BY_NAME.keys()):
        raise SettingError(
            f"{path.name} sets {', '.join(unknown)}, which is no setting: see docs/settings.md for the names."
        )
    return values


def _parse(setting: Setting, text: str, source: str) -> Value:
    if not isinstance(setting.default, int):
        return text
    try:
        value = int(text)
    except ValueError:
        raise SettingError(f"{source} sets {setting.name} to {text!r}, which is not a whole number.") from None
    if value < 0 or (setting.name.endswith("_port") and not 1 <= value <= 65535):
        raise SettingError(f"{source} sets {setting.name} to {value}, which is out of range.")
    return value
