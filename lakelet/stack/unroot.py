"""Run a program as "not root" when we are root: same rights, in a user namespace where our uid has another number.

    python -S -E unroot.py PROGRAM ARGUMENT…

OpenSearch refuses uid 0. This is a script of its own because a namespace must be entered before any thread exists.
"""

from __future__ import annotations

import ctypes
import os
import sys

CLONE_NEWUSER = 0x10000000  # <linux/sched.h>
ORDINARY_ID = 1000


def main(argv: list[str]) -> None:
    """Enter the namespace and become ``argv``."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        reason = os.strerror(ctypes.get_errno())
        sys.exit(
            f"OpenSearch refuses to run as root, and this machine gives no user namespace ({reason}): "
            "run Lakelet as an ordinary user."
        )
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{ORDINARY_ID} {uid} 1"),
        ("gid_map", f"{ORDINARY_ID} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    os.execv(argv[0], argv)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
