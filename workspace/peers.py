"""Who is at the other end of a connection on the loopback address: the user whose process opened it.

The Hive metastore's protocol signs nothing. Linux tells each TCP socket's owner to every process (proc(5),
/proc/net/tcp), which on one machine is proof enough: the sender's address cannot be another's.
"""

from __future__ import annotations

import ipaddress
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lakelet.workspace.process import processes

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def owner(peer: tuple[str, int], here: tuple[str, int]) -> int | None:
    """The uid of the process that opened the connection from ``peer`` to ``here``; None when the kernel lists none.

    Both are (IPv4 address, port).
    """
    found = _connection(peer, here)
    return found[0] if found else None


def holders(peer: tuple[str, int], here: tuple[str, int]) -> Iterator[int]:
    """The pids of the processes of this user that hold ``peer``'s end of that connection."""
    found = _connection(peer, here)
    if found is None:
        return
    socket = f"socket:[{found[1]}]"
    for process in processes():
        with suppress(OSError):  # another user's, or it has ended
            descriptors = f"/proc/{process.pid}/fd"
            if any(_target(f"{descriptors}/{name}") == socket for name in os.listdir(descriptors)):
                yield process.pid


def _target(link: str) -> str:
    try:
        return os.readlink(link)
    except FileNotFoundError:  # closed meanwhile
        return ""


def _connection(peer: tuple[str, int], here: tuple[str, int]) -> tuple[int, int] | None:
    """The uid and the inode of the socket that ``peer`` is."""
    for local, remote, uid, inode in _connections():
        if local == peer and remote == here:
            return uid, inode
    return None


def _connections() -> Iterator[tuple[tuple[str, int], tuple[str, int], int, int]]:
    for table in _TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except FileNotFoundError:  # a kernel without IPv6
            continue
        for line in lines:
            words = line.split()
            yield _address(words[1]), _address(words[2]), int(words[7]), int(words[9])


def _address(text: str) -> tuple[str, int]:
    """``0100007F:1F90`` is 127.0.0.1:8080: 32-bit words in the machine's byte order, and the port."""
    words, _, port = text.partition(":")
    packed = b"".join(struct.pack("=I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
    address = ipaddress.ip_address(packed)
    # A socket that speaks both lists IPv4 addresses as mapped ones; a JVM opens such by default.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address), int(port, 16)
