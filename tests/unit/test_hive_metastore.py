"""The metastore's face over its own protocol: a Thrift client, SQLite behind it, exact exception types."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from hive_metastore import ThriftHiveMetastore
from hive_metastore import ttypes as hive
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TTransportException

from lakelet.catalog.grants.guard import Guard
from lakelet.catalog.grants.lake import Lake
from lakelet.catalog.grants.model import IAM_ALLOWED, read_resource
from lakelet.catalog.hive import server
from lakelet.catalog.hive.locks import TIMEOUT_SECONDS, Locks
from lakelet.catalog.store import CatalogStore
from lakelet.data.folders import Folders
from lakelet.workspace.paths import Workspace
from lakelet.workspace.peers import owner
from lakelet.workspace.state import open_state, reading, writing


class Face:
    """A running face, its catalog, and clients."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        workspace = Workspace(folder, folder / ".lakelet").prepare()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        # Nothing listens at the object store's address: of what is asked here only folders need one.
        self.folders: list[str] = []
        patch.setattr(Folders, "make", lambda _, location: self.folders.append(location))
        workspace.write_endpoints({"metastore": f"thrift://127.0.0.1:{self.port}", "s3": "http://127.0.0.1:9"})
        self.engine = open_state(workspace.database)
        self.catalog = CatalogStore(self.engine)
        self.settled: list[tuple[str, str]] = []
        self.principals: Collection[str] | None = None  # of every client; None is the workspace's owner
        self.lake = Lake(self.catalog, "123456789012")
        self.server = server.MetastoreServer(
            workspace,
            self.engine,
            self.catalog,
            lambda database, table: self.settled.append((database, table)),
            Guard(self.lake, lambda peer, here: self.principals),
        )
        self.server.start()

    def client(self) -> Any:
        transport = TBufferedTransport(TSocket("127.0.0.1", self.port))
        transport.open()
        return ThriftHiveMetastore.Client(TBinaryProtocol(transport))


@pytest.fixture
def face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Face]:
    made = Face(tmp_path, monkeypatch)
    yield made
    made.server.stop()
    made.engine.dispose()


def table(name: str = "t", **changes: Any) -> Any:
    fields: dict[str, Any] = {
        "tableName": name,
        "dbName": "d",
        "tableType": "EXTERNAL_TABLE",
        "partitionKeys": [hive.FieldSchema(name="p", type="int")],
        "parameters": {"EXTERNAL": "TRUE", "spark.sql.create.version": "4.1.4"},
        "sd": hive.StorageDescriptor(
            cols=[hive.FieldSchema(name="A", type="int", comment="first")],
            location="s3://b/t",
            serdeInfo=hive.SerDeInfo(serializationLib="x.Serde", parameters={"field.delim": ","}),
        ),
    }
    return hive.Table(**(fields | changes))


def make(face: Face, client: Any) -> None:
    client.create_database(hive.Database(name="D", locationUri="s3://b"))
    client.create_table(table())


def test_what_hive_makes_glue_has_and_the_reverse(face: Face) -> None:
    client = face.client()
    make(face, client)
    assert face.folders == ["s3://b/t"]  # which Hive's own metastore makes of any table's that is no view
    found = face.catalog.get_table("d", "t")
    assert found.definition["StorageDescriptor"]["Columns"] == [{"Name": "a", "Type": "int", "Comment": "first"}]
    assert found.definition["Parameters"]["spark.sql.create.version"] == "4.1.4"
    with writing(face.engine) as connection:
        changed = {**found.definition, "Description": "Glue's own", "Parameters": {"k": "v"}}
        face.catalog.update_table(connection, "d", changed)
    seen = client.get_table("d", "T")
    assert seen.parameters["k"] == "v"
    assert face.settled[-1] == ("d", "t")
    seen.sd.cols.append(hive.FieldSchema(name="z", type="string"))
    client.alter_table("d", "t", seen)
    again = face.catalog.get_table("d", "t").definition
    assert again["Description"] == "Glue's own"
    assert [one["Name"] for one in again["StorageDescriptor"]["Columns"]] == ["a", "z"]


@pytest.mark.parametrize(
    "said", [{"table_type": "DELTA"}, {"spark.sql.sources.provider": "delta", "classification": "delta"}]
)
def test_a_delta_table_of_others_is_shown_with_its_folder_and_keeps_what_they_said(
    face: Face, said: dict[str, str]
) -> None:
    client = face.client()
    client.create_database(hive.Database(name="D", locationUri="s3://b"))
    stored: dict[str, Any] = {
        "Name": "t",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {**said, "UPDATED_BY_CRAWLER": "c"},
        "PartitionKeys": [{"Name": "p", "Type": "int"}],
        "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://b/t/"},
    }
    with writing(face.engine) as connection:
        face.catalog.create_table(connection, "d", stored)
    seen = client.get_table("d", "t")
    assert (seen.parameters["spark.sql.sources.provider"], seen.sd.serdeInfo.parameters["path"]) == (
        "delta",
        "s3://b/t/",
    )
    # As Delta hands it back after a commit that added a column: with its own properties in the place of all others.
    fields = '{"type": "struct", "fields": [{"name": "a", "type": "integer"}, {"name": "B", "type": "long"}]}'
    spark = {name: value for name, value in seen.parameters.items() if name.startswith("spark.sql")}
    seen.parameters = {**spark, "spark.sql.sources.schema": fields, "delta.lastUpdateVersion": "1", "EXTERNAL": "TRUE"}
    client.alter_table("d", "t", seen)
    again = face.catalog.get_table("d", "t").definition
    assert [one["Name"] for one in again["StorageDescriptor"]["Columns"]] == ["a", "b"]
    kept = {name: value for name, value in again["Parameters"].items() if name in stored["Parameters"]}
    assert kept == stored["Parameters"] and again["Parameters"]["delta.lastUpdateVersion"] == "1"
    assert client.get_table("d", "t").sd.serdeInfo.parameters["path"] == "s3://b/t/"


def test_a_table_gets_another_name_with_its_partitions(face: Face) -> None:
    client = face.client()
    make(face, client)
    with writing(face.engine) as connection:
        made = face.catalog.get_table("d", "t")
        face.catalog.create_partitions(connection, made, [{"Values": ["1"]}])
        before = face.catalog.sequence(connection, "d", "t")
    client.alter_table("d", "t", table("u"))
    assert client.get_all_tables("d") == ["u"]
    assert client.get_partition_names("d", "u", -1) == ["p=1"]
    with reading(face.engine) as connection:
        assert face.catalog.sequence(connection, "d", "t") == before + 1


def test_what_may_be_read_in_part_is_a_view_of_that_part(face: Face) -> None:
    client = face.client()
    make(face, client)
    role, lake = "arn:aws:iam::123456789012:role/r", face.lake
    whole = read_resource({"Table": {"DatabaseName": "d", "Name": "t"}}, "123456789012")
    cell = read_resource({"DataCellsFilter": {"DatabaseName": "d", "TableName": "t", "Name": "f"}}, "123456789012")
    with writing(face.engine) as connection:
        made = face.catalog.get_table("d", "t")
        face.catalog.create_partitions(connection, made, [{"Values": ["1"]}, {"Values": ["2"]}])
        lake.grants.revoke(connection, IAM_ALLOWED, whole, ["ALL"], [], "me")
    assert client.get_table("d", "t").tableType == "EXTERNAL_TABLE"  # of the workspace's owner
    face.principals = {role}
    client = face.client()
    with pytest.raises(hive.MetaException, match=r"permission\(s\) on table d\.t: grant SELECT to arn.*role/r"):
        client.get_table("d", "t")
    assert client.get_table_objects_by_name("d", ["t"]) == []
    with writing(face.engine) as connection:
        row_filter = {"FilterExpression": "a > 1 or p = 2"}
        lake.cells.create(connection, made, "f", {"ColumnNames": ["a"], "RowFilter": row_filter})
        lake.grants.grant(connection, role, cell, ["SELECT"], [], "me")
    view = client.get_table("d", "t")
    source = view.viewExpandedText.split("`")[5]
    assert view.viewExpandedText == f"SELECT `a` FROM `d`.`{source}` WHERE `a` > 1 OR `p` = 2"
    assert (view.tableType, view.tableName, [one.name for one in view.sd.cols]) == ("VIRTUAL_VIEW", "t", ["a"])
    assert view.partitionKeys == []
    # By that name it is there whole, for its reader; by its own its partitions are not told.
    assert [one.name for one in client.get_table("d", source).partitionKeys] == ["p"]
    assert client.get_partition_names("d", source, -1) == ["p=1", "p=2"]
    with pytest.raises(hive.MetaException, match="Insufficient Lake Formation"):
        client.get_partition_names("d", "t", -1)
    with pytest.raises(hive.MetaException, match="by its own name only"):
        client.drop_table("d", source, True)
    with pytest.raises(hive.MetaException, match="grant DROP to"):
        client.drop_table("d", "t", True)
    face.principals = {role.replace("/r", "/other")}
    with pytest.raises(hive.NoSuchObjectException):
        face.client().get_table("d", source)


def test_exceptions_have_the_types_that_clients_look_for(face: Face) -> None:
    client = face.client()
    make(face, client)
    with pytest.raises(hive.NoSuchObjectException):
        client.get_database("nosuch")
    with pytest.raises(hive.NoSuchObjectException):
        client.get_table("d", "nosuch")
    with pytest.raises(hive.NoSuchObjectException):
        client.drop_table("d", "nosuch", False)
    with pytest.raises(hive.NoSuchObjectException):
        client.get_partition("d", "t", ["1"])
    with pytest.raises(hive.AlreadyExistsException):
        client.create_table(table())
    with pytest.raises(hive.AlreadyExistsException):
        client.create_database(hive.Database(name="d", locationUri="s3://b"))
    with pytest.raises(hive.InvalidOperationException, match="d is not empty"):
        client.drop_database("d", False, False)
    with pytest.raises(hive.InvalidOperationException):
        client.alter_table("d", "nosuch", table("nosuch"))
    with pytest.raises(hive.InvalidObjectException, match="cannot lie at file:/x"):
        client.create_table(table("f", sd=hive.StorageDescriptor(cols=[], location="file:/x")))
    with pytest.raises(hive.MetaException, match="nosuch"):
        client.get_partitions_by_filter("d", "t", "nosuch = 1", -1)
    with pytest.raises(hive.NoSuchObjectException, match=r"Function d.f does not exist"):
        client.get_function("d", "f")
    with pytest.raises(hive.MetaException, match="'metadata_location' is 'None'"):
        context = hive.EnvironmentContext(
            properties={"expected_parameter_key": "metadata_location", "expected_parameter_value": "a"}
        )
        client.alter_table_with_environment_context("d", "t", table(), context)


def test_what_is_not_served_is_refused_by_name(face: Face) -> None:
    with pytest.raises(TApplicationException, match="get_role_names"):
        face.client().get_role_names()


def test_tables_are_found_by_a_parameter(face: Face) -> None:
    client = face.client()
    make(face, client)
    for name, kind in (("one", "ICEBERG"), ("two", "iceberg"), ("three", "ICEBERG-VIEW"), ("four", "delta")):
        client.create_table(table(name, parameters={"EXTERNAL": "TRUE", "table_type": kind}))

    def found(text: str, most: int = -1) -> list[str]:
        return list(client.get_table_names_by_filter("d", text, most))

    like = 'hive_filter_field_params__table_type like "%s"'
    assert found(like % "ICEBERG") == ["one", "two"] and found(like % "ICEBERG.*") == ["one", "three", "two"]
    assert found(like % "ICEBERG.*", 2) == ["one", "three"]
    assert found('hive_filter_field_params__table_type = "delta"') == ["four"] and found(like % "I.EBERG") == []
    for text in ('hive_filter_field_owner__ = "me"', like % "a" + " and " + like % "b"):
        with pytest.raises(hive.InvalidOperationException, match="is not served: compare one parameter by like or ="):
            found(text)
    with pytest.raises(hive.UnknownDBException, match="nosuch"):
        client.get_table_names_by_filter("nosuch", like % "a", -1)


def test_partitions_are_found_by_filter_and_by_beginning(face: Face) -> None:
    client = face.client()
    make(face, client)
    with writing(face.engine) as connection:
        made = face.catalog.get_table("d", "t")
        face.catalog.create_partitions(connection, made, [{"Values": [str(n)]} for n in range(20)])
    assert [one.values for one in client.get_partitions_by_filter("d", "t", "p > 17 or (p) in (3)", -1)] == [
        ["18"], ["19"], ["3"],
    ]  # fmt: skip
    assert [one.values for one in client.get_partitions_ps("d", "t", ["7"], -1)] == [["7"]]
    assert len(client.get_partitions_ps("d", "t", [""], 5)) == 5
    assert client.get_partitions("d", "t", 1)[0].sd.cols[0].name == "a"


def test_the_default_database_is_there_before_anything_is_in_it(face: Face) -> None:
    client = face.client()
    assert client.get_all_databases() == ["default"]
    assert client.get_database("default").locationUri == "s3://warehouse"
    assert client.get_all_tables("@hive#default") == []
    with reading(face.engine) as connection:
        assert face.catalog.databases(connection) == []


def test_only_the_workspaces_user_is_let_in(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    client = face.client()
    assert client.getVersion() == "2.3.10"
    here, there = client._iprot.trans._TBufferedTransport__trans.handle.getsockname(), ("127.0.0.1", face.port)
    assert owner(here, there) == os.getuid()
    assert owner(("127.0.0.1", 1), there) is None
    monkeypatch.setattr(face.server._server, "_find_owner", lambda peer, here: 4_000_000)
    with pytest.raises(TTransportException):
        face.client().getVersion()


def test_a_client_that_speaks_both_internet_protocols_is_known(face: Face) -> None:
    with socket.socket(socket.AF_INET6) as client:  # as JVMs open them
        client.connect(("::ffff:127.0.0.1", face.port))
        assert owner(("127.0.0.1", client.getsockname()[1]), ("127.0.0.1", face.port)) == os.getuid()


def test_garbage_ends_a_connection_and_nothing_else(face: Face) -> None:
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x80\x01\x00\x01\x7f\xff\xff\xff", b"\x00" * 64):
        with socket.create_connection(("127.0.0.1", face.port), timeout=10) as connection:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
    assert face.client().getVersion() == "2.3.10"


def test_many_clients_at_once(face: Face) -> None:
    make(face, face.client())
    failures = []

    def add(number: int) -> None:
        try:
            client = face.client()
            client.create_table(table(f"t{number}"))
            seen = client.get_table("d", "t")
            seen.parameters[f"k{number}"] = "v"
            client.get_partitions_by_filter("d", "t", f"p = {number}", -1)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not failures
    assert len(face.client().get_all_tables("d")) == 9


def lock_of(*, shared: bool = False, table: str = "t") -> Any:
    kind = hive.LockType.SHARED_READ if shared else hive.LockType.EXCLUSIVE
    component = hive.LockComponent(type=kind, level=hive.LockLevel.TABLE, dbname="d", tablename=table)
    return hive.LockRequest(component=[component], user="u", hostname="h")


def test_locks_wait_for_each_other_and_time_out() -> None:
    now = [0.0]
    locks = Locks(lambda: now[0])
    first, second, other = locks.lock(lock_of()), locks.lock(lock_of()), locks.lock(lock_of(table="u"))
    held, waits = hive.LockState.ACQUIRED, hive.LockState.WAITING
    assert (first.state, second.state, other.state) == (held, waits, held)
    locks.unlock(hive.UnlockRequest(lockid=first.lockid))
    assert locks.check_lock(hive.CheckLockRequest(lockid=second.lockid)).state == held
    third = locks.lock(lock_of(shared=True))
    assert third.state == waits
    now[0] = TIMEOUT_SECONDS
    locks.heartbeat(hive.HeartbeatRequest(lockid=third.lockid))
    now[0] = TIMEOUT_SECONDS + 1  # the second has given no sign of life
    assert locks.check_lock(hive.CheckLockRequest(lockid=third.lockid)).state == held
    assert locks.lock(lock_of(shared=True)).state == held
    with pytest.raises(hive.NoSuchLockException):
        locks.unlock(hive.UnlockRequest(lockid=second.lockid))
