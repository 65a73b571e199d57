"""docker-compose.yml held against the stack's own definitions. No engine is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakelet.stack import minio, opensearch, spark_history, spark_master, spark_worker
from lakelet.stack.component import Component, Plan
from lakelet.stack.components import components
from lakelet.stack.ports import default_ports
from lakelet.workspace.paths import REPOSITORY, Workspace
from lakelet.workspace.settings import BY_NAME, SETTINGS

FILE = REPOSITORY / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
UNITS = {"m": 1, "g": 1024}

# Settings that a container gets from its image, or that name what only a machine has.
IMAGE_ONLY = {"cache", "java_home", "minio_binary", "opensearch_endpoint", "spark_master"}


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Component]:
    for setting in SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    workspace = Workspace(tmp_path, tmp_path / ".lakelet").prepare()
    ports = default_ports(workspace)
    from lakelet.stack.components import endpoints

    workspace.write_endpoints(endpoints(workspace, ports))
    return components(Plan(workspace, ports))


def resolve(text: str) -> str:
    """A value as Compose sees it with nothing set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def megabytes(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1]]


def test_the_same_components_in_the_same_order_of_dependence(stack: list[Component]) -> None:
    assert set(SERVICES) == {component.name for component in stack}
    for component in stack:
        waits = SERVICES[component.name].get("depends_on", {})
        assert set(waits) == set(component.after)
        assert all(wait == {"condition": "service_healthy"} for wait in waits.values())


def test_every_setting_reaches_the_containers_with_our_default() -> None:
    environment = COMPOSE["x-environment"]
    assert set(environment) == {setting.variable for setting in SETTINGS if setting.name not in IMAGE_ONLY} | {
        "LAKELET_S3_SECRET_KEY"
    }
    for setting in SETTINGS:
        if setting.variable in environment and not setting.name.startswith("s3_"):
            assert environment[setting.variable] == f"${{{setting.variable}:-{setting.default}}}"
    assert resolve(environment["LAKELET_S3_ENDPOINT"]) == f"http://127.0.0.1:{BY_NAME['minio_port'].default}"


def test_each_service_is_the_component_itself(stack: list[Component]) -> None:
    for name, service in SERVICES.items():
        assert service["network_mode"] == "host"  # where every component listens on 127.0.0.1
        assert service["restart"] == "unless-stopped"
        assert "ports" not in service
        if name != minio.NAME:
            assert service["command"] == ["python", "-m", "lakelet.stack.run", name]
            assert service["healthcheck"]["test"] == ["CMD", "python", "-m", "lakelet.stack.run", "--probe", name]
            assert service["environment"] == COMPOSE["x-environment"]
            assert service["volumes"] == ["state:/state"]


def test_minio_is_started_with_the_same_words_and_variables(stack: list[Component]) -> None:
    component = next(component for component in stack if component.name == minio.NAME)
    service = SERVICES[minio.NAME]
    assert [resolve(word) for word in service["command"]][:-1] == list(component.argv)[1:-1]
    ours = {key: value for key, value in component.env.items() if key.startswith("MINIO_") or key == "GOMEMLIMIT"}
    assert set(service["environment"]) == set(ours)
    for name in set(ours) - {"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"}:
        assert resolve(service["environment"][name]) == ours[name]


def test_no_secret_is_written_down() -> None:
    for name in ("LAKELET_S3_ACCESS_KEY", "LAKELET_S3_SECRET_KEY"):
        assert COMPOSE["x-environment"][name] == f"${{{name}:?choose it in .env}}"
    assert ".env" in (REPOSITORY / ".gitignore").read_text().split()
    assert ".env" in (REPOSITORY / ".dockerignore").read_text().split()


def test_limits_leave_room_for_the_heaps() -> None:
    def default(name: str) -> int:
        return int(BY_NAME[name].default)

    worker = spark_worker.HEAP_MB + default("worker_memory_mb")
    heaps = {
        opensearch.NAME: default("opensearch_heap_mb") * 3 // 2,  # and its direct memory
        spark_master.NAME: spark_master.HEAP_MB,
        spark_history.NAME: spark_history.HEAP_MB,
        **{f"spark-worker-{n + 1}": worker for n in range(default("workers"))},
        "control": default("queue_memory_mb"),
    }
    for name, heap in heaps.items():
        assert megabytes(SERVICES[name]["mem_limit"]) > heap * 1.2
    assert all("mem_limit" in service for service in SERVICES.values())


def test_images_are_built_from_files_of_ours_and_volumes_are_named() -> None:
    for service in SERVICES.values():
        assert (REPOSITORY / service["build"]["dockerfile"]).is_file()
        for volume in service["volumes"]:
            assert volume.split(":")[0] in COMPOSE["volumes"]
    recipe = (REPOSITORY / "docker/minio/Dockerfile").read_text()
    assert "lakelet/stack/minio_build/go.mod lakelet/stack/minio_build/go.sum" in recipe
