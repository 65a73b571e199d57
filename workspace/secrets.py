"""Random credentials of one workspace, each in its own 0600 file under ``.lakelet/secrets``."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from lakelet.workspace.errors import SettingError
from lakelet.workspace.files import write_atomic
from lakelet.workspace.paths import Workspace

EXTERNAL_VARIABLE = "LAKELET_S3_SECRET_KEY"  # of an external S3 endpoint; else the file
EXTERNAL_FILE = "s3_secret_key"
NAMES = ("access_key", "secret_key", "spark", "control_token", "jupyter_token", "messages", "opensearch", "dashboards")


def secret(workspace: Workspace, name: str) -> str:
    """The secret of that name (one of ``NAMES``), made on first use.

    ``access_key``/``secret_key`` sign every AWS request, S3's too: they are MinIO's root user. ``spark`` is
    ``spark.authenticate.secret``; ``control_token`` is the bearer token of ``/_lakelet``; ``messages`` seals what
    DecodeAuthorizationMessage opens; ``opensearch`` is the password of our node, ``dashboards`` the token of the
    dashboards. With an external S3 endpoint, its keys are the pair: raises
    :class:`~lakelet.workspace.errors.SettingError` when one of them is not given.
    """
    if name not in NAMES:
        raise KeyError(name)
    if workspace.settings.text("s3_endpoint"):
        if name == "access_key":
            return _external_access_key(workspace)
        if name == "secret_key":
            return _external_secret_key(workspace)
    path = workspace.state / "secrets" / name
    if not path.exists():
        _create(path, _generate(name))
    return path.read_text(encoding="ascii")


def _external_access_key(workspace: Workspace) -> str:
    if not (key := workspace.settings.text("s3_access_key")):
        raise SettingError(
            "The setting s3_endpoint names an external S3: say with s3_access_key whose keys sign there."
        )
    return key


def _external_secret_key(workspace: Workspace) -> str:
    """From the environment, else from a file that nobody else can read."""
    if value := os.environ.get(EXTERNAL_VARIABLE):
        return value
    path = workspace.state / "secrets" / EXTERNAL_FILE
    try:
        open_to_others = path.stat().st_mode & 0o077
        value = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        value, open_to_others = "", 0
    if open_to_others:
        raise SettingError(f"Others can read {path}, the key of the external S3: run `chmod 600` on it.")
    if not value:
        raise SettingError(
            f"The secret key of the external S3 is missing: write it to {path} (mode 0600), or into the environment "
            f"variable {EXTERNAL_VARIABLE}."
        )
    return value


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
