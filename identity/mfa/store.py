"""Virtual MFA devices as rows of the state database, and whether codes are theirs.

Source: AWS IAM User Guide, "Using multi-factor authentication"; RFC 6238, which AWS's virtual devices follow. A code
is good once, for its 30 seconds and those before and after. A device whose clock is wrong keeps by how much (``drift``)
since its codes were last shown.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

import pyotp
import sqlalchemy as sa

from lakelet.identity.errors import EntityAlreadyExists, InvalidAuthenticationCode, NoSuchEntity
from lakelet.workspace.state import metadata

SEED_CHARACTERS = 64  # of Base32, as AWS gives them
STEP_SECONDS = 30
FAR_STEPS = 120  # how wrong, either way, a device's clock may be when it is enabled or resynchronised: an hour

_devices = sa.Table(
    "iam_mfa_devices",
    metadata,
    sa.Column("serial", sa.String(256), primary_key=True),
    sa.Column("seed", sa.String(64), nullable=False),
    sa.Column("user_id", sa.String(32), sa.ForeignKey("iam_entities.id", ondelete="SET NULL")),
    sa.Column("enabled_at", sa.Float),
    sa.Column("drift", sa.Integer, nullable=False),
    sa.Column("last_step", sa.Integer, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)


@dataclass(frozen=True)
class Device:
    """A device: whose it is (an IAM user's id, or nobody's yet), its clock's error and the last step it was used at."""

    serial: str
    seed: str
    user_id: str | None
    enabled_at: float | None
    drift: int
    last_step: int
    tags: dict[str, str]
    created_at: float

    def step_of(self, codes: tuple[str, ...], steps: Iterable[int]) -> int | None:
        """The first of the time steps at which it shows these codes, one after the other; None when at none."""
        totp = pyotp.TOTP(self.seed)
        for step in steps:
            if all(pyotp.utils.strings_equal(totp.generate_otp(step + at), code) for at, code in enumerate(codes)):
                return step
        return None


def create(connection: sa.Connection, serial: str, tags: dict[str, str]) -> Device:
    """Add a device of nobody's; EntityAlreadyExists."""
    if find(connection, serial) is not None:
        raise EntityAlreadyExists(f"MFADevice entity at the same path and name already exists: {serial}.")
    device = Device(serial, pyotp.random_base32(SEED_CHARACTERS), None, None, 0, 0, tags, time.time())
    connection.execute(sa.insert(_devices).values(**asdict(device)))
    return device


def find(connection: sa.Connection, serial: str) -> Device | None:
    """The device with that serial number; None when there is none."""
    row = connection.execute(sa.select(_devices).where(_devices.c.serial == serial)).first()
    return Device(*row) if row else None


def get(connection: sa.Connection, serial: str) -> Device:
    """As :func:`find`; NoSuchEntity."""
    if (found := find(connection, serial)) is None:
        raise NoSuchEntity(f"VirtualMFADevice with serial number {serial} doesn't exist.")
    return found


def listed(connection: sa.Connection) -> list[Device]:
    """All devices, in order of serial number."""
    return [Device(*row) for row in connection.execute(sa.select(_devices).order_by(_devices.c.serial))]


def save(connection: sa.Connection, device: Device) -> None:
    """Write a device again."""
    connection.execute(sa.update(_devices).where(_devices.c.serial == device.serial).values(**asdict(device)))


def delete(connection: sa.Connection, serial: str) -> None:
    """Take a device away."""
    connection.execute(sa.delete(_devices).where(_devices.c.serial == serial))


def synchronise(connection: sa.Connection, device: Device, codes: tuple[str, str], now: float) -> Device:
    """Learn a device's clock from two codes that it showed one after the other; InvalidAuthenticationCode."""
    here = int(now) // STEP_SECONDS
    nearest = sorted(range(here - FAR_STEPS, here + FAR_STEPS), key=lambda step: abs(step + 1 - here))
    step = device.step_of(codes, nearest)
    if step is None:
        raise InvalidAuthenticationCode("Authentication code for device is not valid.")
    known = replace(device, drift=step + 1 - here, last_step=step + 1)
    save(connection, known)
    return known


def proves(connection: sa.Connection, device: Device, code: str, now: float) -> bool:
    """Whether the device shows that code now, for the first time; then it is used up."""
    here = int(now) // STEP_SECONDS + device.drift
    step = device.step_of((code,), [step for step in (here, here - 1, here + 1) if step > device.last_step])
    if step is None:
        return False
    save(connection, replace(device, last_step=step))
    return True
