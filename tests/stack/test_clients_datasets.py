"""awswrangler and PyIceberg, each in its own environment, against the real stack with the variables of ``lakelet env``.

What they do is in ``clients/``: programs as people write them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lakelet.workspace.environment import client_environment
from tests.conftest import Stack
from tests.environments import run_client

pytestmark = pytest.mark.stack
CLIENTS = Path(__file__).with_name("clients")


def test_awswrangler(stack: Stack, tmp_path: Path) -> None:
    said = run_client("awswrangler", CLIENTS / "wrangler.py", client_environment(stack.workspace), tmp_path)
    assert said.splitlines()[-1] == "goodbye works"


def test_pyiceberg(stack: Stack, tmp_path: Path) -> None:
    variables = client_environment(stack.workspace)
    # Arrow's S3 client does not read AWS_ENDPOINT_URL; PyIceberg reads these (docs/aws.md says so).
    of_pyiceberg = {"ENDPOINT": variables["AWS_ENDPOINT_URL_S3"], "REGION": variables["AWS_REGION"]}
    variables |= {f"PYICEBERG_CATALOG__LAKELET__S3__{name}": value for name, value in of_pyiceberg.items()}
    said = run_client("pyiceberg", CLIENTS / "iceberg.py", variables, tmp_path)
    assert said.splitlines()[-1] == "goodbye works"
