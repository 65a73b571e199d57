"""What Lakelet runs on: Linux x86-64 with a Python for which every pinned package has a wheel."""

from __future__ import annotations

import platform
import sys

from lakelet.stack.java import check_java_home
from lakelet.workspace.errors import PlatformError, SettingError
from lakelet.workspace.paths import Workspace


def check_platform(workspace: Workspace) -> None:
    """Refuse in one sentence a machine, or a setting that names an existing program, that cannot work.

    Raises :class:`~lakelet.workspace.errors.PlatformError` and :class:`~lakelet.workspace.errors.SettingError`.
    """
    machine = (platform.system(), platform.machine())
    if machine != ("Linux", "x86_64"):
        raise PlatformError(f"Lakelet runs on Linux x86-64 only, and this is {' '.join(machine)}.")
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        raise PlatformError(f"Lakelet needs Python 3.11 to 3.13, and this is {platform.python_version()}.")
    if home := workspace.settings.text("java_home"):
        check_java_home(home)
    if (binary := workspace.settings.text("minio_binary")) and not _is_program(binary):
        raise SettingError(f"The setting minio_binary names {binary}, which is no program: name MinIO's server binary.")


def _is_program(path: str) -> bool:
    import os

    return os.path.isfile(path) and os.access(path, os.X_OK)
