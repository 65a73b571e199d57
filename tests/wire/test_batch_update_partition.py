"""BatchUpdatePartition: the good entries are written, the bad ones named."""

from __future__ import annotations

from tests.wire.conftest import Wire


def test_good_entries_are_replaced_and_bad_ones_named(wire: Wire, database: str) -> None:
    glue = wire.client()
    keys = [{"Name": "d", "Type": "string"}]
    glue.create_table(DatabaseName=database, TableInput={"Name": "t", "PartitionKeys": keys})
    where = {"DatabaseName": database, "TableName": "t"}
    glue.batch_create_partition(**where, PartitionInputList=[{"Values": ["1"]}, {"Values": ["2"]}])
    entries = [
        {"PartitionValueList": ["1"], "PartitionInput": {"Values": ["1"], "Parameters": {"a": "b"}}},
        {"PartitionValueList": ["9"], "PartitionInput": {"Values": ["9"]}},
        {"PartitionValueList": ["2"], "PartitionInput": {"Values": ["1"]}},
    ]
    errors = glue.batch_update_partition(**where, Entries=entries)["Errors"]
    assert [(one["PartitionValueList"], one["ErrorDetail"]["ErrorCode"]) for one in errors] == [
        (["9"], "EntityNotFoundException"),
        (["2"], "AlreadyExistsException"),
    ]
    found = glue.get_partitions(**where)["Partitions"]
    assert [(one["Values"], one.get("Parameters")) for one in found] == [(["1"], {"a": "b"}), (["2"], None)]
