"""Where grants are held: what a client of the control process may read of a table, and do to it.

Who the client is, its connection tells and not its request: see :class:`Client`. A table that
IAM_ALLOWED_PRINCIPALS has everything on, as each has until that is revoked, is open to all and costs one look.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from functools import cached_property

from lakelet.catalog.grants.lake import Lake
from lakelet.catalog.grants.model import PERMISSIONS, table_resource
from lakelet.catalog.grants.visible import Visible
from lakelet.catalog.model import Table, fold
from lakelet.workspace.errors import AccessDeniedException, EntityNotFoundException
from lakelet.workspace.state import reading, writing

Address = tuple[str, int]
_MAKES = {"CREATE_TABLE", "INSERT"}  # what makes a table that is not there
# The ARNs that the process is which opened a connection to an address of ours; None for the workspace's owner.
FindPrincipals = Callable[[Address, Address], Collection[str] | None]


class Client:
    """One client: who it is, found when it is first asked. ``principals`` are ARNs; None is the workspace's owner, the
    account's root user, who may do everything."""

    def __init__(self, find: Callable[[], Collection[str] | None]) -> None:
        self._find = find

    @cached_property
    def principals(self) -> Collection[str] | None:
        """Its ARNs; None for the owner."""
        return self._find()


OWNER = Client(lambda: None)


class Guard:
    """Holds the grants of one workspace; safe to call from many threads. AccessDeniedException names the table."""

    def __init__(self, lake: Lake, find_principals: FindPrincipals) -> None:
        self._lake = lake
        self._engine = lake.catalog.engine
        self._find = find_principals

    def client(self, peer: Address, here: Address) -> Client:
        """The client whose connection comes from ``peer``, IPv4 address and port, to ours, ``here``."""
        return Client(lambda: self._find(peer, here))

    def readable(self, client: Client, database: str, name: str) -> Visible | None:
        """What a client may read of a table, a link's target; None for all of it, or when there is no such table.

        Raises AccessDeniedException when that is nothing.
        """
        table = self._restricted(client, database, name)
        return None if table is None else self._readable(client, table)[0]

    def writable(self, client: Client, database: str, name: str) -> bool:
        """Whether a client may read all of a table and write to it as well."""
        table = self._restricted(client, database, name)
        if table is None:
            return True
        visible, permissions = self._readable(client, table)
        return visible is None and "INSERT" in permissions

    def knows(self, database: str, name: str) -> bool:
        """Whether there is a table of that name."""
        with reading(self._engine) as connection:
            return self._lake.catalog.find_table(connection, database, name) is not None

    def require(self, client: Client, database: str, name: str, *permissions: str) -> None:
        """Hold that a client has one of the permissions on a table, or CREATE_TABLE where there is none yet and it is
        to write to it. Raises AccessDeniedException.
        """
        if not self.knows(database, name):
            if _MAKES & set(permissions):
                self.require_on_database(client, database, "CREATE_TABLE")
        elif (table := self._restricted(client, database, name)) is not None:
            with writing(self._engine) as connection:
                has = self._lake.access(connection, client.principals or (), table.database, table.name).permissions
            if not has & set(permissions):
                raise _denied(client, f"table {table.database}.{table.name}", permissions)

    def require_on_database(self, client: Client, database: str, permission: str) -> None:
        """Hold that a client has a permission on a database; AccessDeniedException, EntityNotFoundException."""
        with writing(self._engine) as connection:
            if permission in self._lake.database_permissions(connection, (), database):  # everybody's
                return
            if client.principals is None:
                return
            has = self._lake.database_permissions(connection, client.principals, database)
        if permission not in has:
            raise _denied(client, f"database {fold(database)}", [permission])

    def created(self, client: Client, database: str, name: str) -> None:
        """Give whoever has just made a table everything on it, as AWS does ("Implicit Lake Formation permissions")."""
        table = self._restricted(client, database, name)
        if table is None:
            return
        every = set(PERMISSIONS["TABLE"])
        with writing(self._engine) as connection:
            for principal in client.principals or ():
                resource = table_resource(table.database, table.name)
                self._lake.grants.grant(connection, principal, resource, every, every, principal)

    # -- in common -----------------------------------------------------------------------------------------------

    def _restricted(self, client: Client, database: str, name: str) -> Table | None:
        """The table, when grants decide for this client; None when it may do everything, and when there is none."""
        with suppress(EntityNotFoundException):
            with reading(self._engine) as connection:
                table = self._lake.catalog.resolved(connection, database, name)
                is_open = self._lake.grants.is_open(connection, table)
            if is_open is None:  # nobody has asked since the table was made
                with writing(self._engine) as connection:
                    self._lake.grants.settle(connection)
                    is_open = self._lake.grants.is_open(connection, table)
            return None if is_open or client.principals is None else table
        return None

    def _readable(self, client: Client, table: Table) -> tuple[Visible | None, Collection[str]]:
        with writing(self._engine) as connection:
            facts, access = self._lake.found(connection, client.principals or (), table)
        if not access.columns:
            raise _denied(client, f"table {table.database}.{table.name}", ["SELECT"])
        visible = Visible.of(access, facts.columns)
        return (None if visible.whole else visible), access.permissions


def _denied(client: Client, what: str, permissions: Collection[str]) -> AccessDeniedException:
    who = ", ".join(sorted(client.principals or ()))
    wanted = " or ".join(permissions)
    return AccessDeniedException(f"Insufficient Lake Formation permission(s) on {what}: grant {wanted} to {who}.")
