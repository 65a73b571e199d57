"""Random credentials of one workspace, each in its own 0600 file under ``.lakelet/secrets``."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from workspace.files import write_atomic
from workspace.paths import Workspace

NAMES = ("access_key", "secret_key", "spark", "control_token", "jupyter_token")


def secret(workspace: Workspace, name: str) -> str:
    """The secret of that name (one of ``NAMES``), made on first use.

    ``access_key``/``secret_key`` sign every AWS request, S3's too: they are MinIO's root user. ``spark`` is
    ``spark.authenticate.secret``; ``control_token`` is the bearer token of ``/_lakelet``. With an external S3
    endpoint, its keys are the pair.
    """
    if name not in NAMES:
        raise KeyError(name)
    if workspace.settings.text("s3_endpoint"):
        if name == "access_key":
            return workspace.settings.text("s3_access_key")
        if name == "secret_key":
            return os.environ.get("LAKELET_S3_SECRET_KEY", "")
    path = workspace.state / "secrets" / name
    if not path.exists():
        _create(path, _generate(name))
    return path.read_text(encoding="ascii")


def known_secrets(workspace: Workspace) -> list[str]:
    """Every secret value of this workspace, for redaction; an access key is an identifier, not a secret."""
    return [secret(workspace, name) for name in NAMES if name != "access_key"]


def redact(text: str, values: list[str]) -> str:
    """``text`` with every one of the secret ``values`` replaced by ``[redacted]``."""
    wanted = [re.escape(value) for value in values if value]
    return re.sub("|".join(wanted), "[redacted]", text) if wanted else text


def _create(path: Path, value: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Two processes may ask for the same secret at once: link() lets exactly one of them win.
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    write_atomic(draft, value.encode("ascii"), 0o600)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _generate(name: str) -> str:
    if name == "access_key":
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
        return "AKIA" + "".join(secrets.choice(alphabet) for _ in range(16))
    return secrets.token_hex(20)
