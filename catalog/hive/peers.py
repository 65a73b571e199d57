"""Who is at the other end of a connection on the loopback address: the user whose process opened it.

The Hive metastore's protocol signs nothing. Linux tells each TCP socket's owner to every process (proc(5),
/proc/net/tcp), which on one machine is proof enough: the sender's address cannot be another's.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_MAPPED = "::ffff:"


def owner(peer: tuple[str, int], here: tuple[str, int]) -> int | None:
    """The uid of the process that opened the connection from ``peer`` to ``here``; None when the kernel lists none.

    Both are (IPv4 address, port).
    """
    for local, remote, uid in _connections():
        if local == peer and remote == here:
            return uid
    return None


def _connections() -> Iterator[tuple[tuple[str, int], tuple[str, int], int]]:
    for table in _TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except FileNotFoundError:  # a kernel without IPv6
            continue
        for line in lines:
            words = line.split()
            yield _address(words[1]), _address(words[2]), int(words[7])


def _address(text: str) -> tuple[str, int]:
    """``0100007F:1F90`` is 127.0.0.1:8080: 32-bit words in the machine's byte order, and the port."""
    words, _, port = text.partition(":")
    packed = b"".join(struct.pack("=I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
    return str(ipaddress.ip_address(packed)).removeprefix(_MAPPED), int(port, 16)
