"""A bucket and a database of a test module's own, on the lake of the test run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lakelet.catalog.glue import Glue
from lakelet.data.formats import BY_NAME, storage_descriptor
from lakelet.data.objects import s3_client

if TYPE_CHECKING:
    from awsglue.context import GlueContext
    from awsglue.dynamicframe import DynamicFrame


@dataclass(frozen=True)
class Lake:
    """What the tests of sources and sinks read and write: ``glue`` is their GlueContext."""

    glue: GlueContext
    name: str

    @cached_property
    def client(self) -> Any:
        return s3_client(self.glue.workspace)

    def put(self, key: str, content: bytes | str) -> str:
        """Store an object; returns the folder that it lies in."""
        self.client.put_object(Bucket=self.name, Key=key, Body=content)
        return self.uri(key.rpartition("/")[0])

    def uri(self, folder: str) -> str:
        return f"s3://{self.name}/{folder}/"

    def read(self, folder: str, format: str, options: Any = None, **connection: Any) -> DynamicFrame:
        given = {"paths": [self.uri(folder)], **connection}
        return self.glue.create_dynamic_frame.from_options("s3", given, format, options or {})

    def table(self, name: str, folder: str, format: str, columns: dict[str, str], **parameters: str) -> DynamicFrame:
        """Register a table over a folder, and read it."""
        listed = [{"Name": column, "Type": kind} for column, kind in columns.items()]
        descriptor = storage_descriptor(BY_NAME["json"], listed, self.uri(folder), serde_parameters=parameters)
        if serdes := BY_NAME[format.lower()].serdes:
            descriptor["SerdeInfo"]["SerializationLibrary"] = serdes[0]
        definition = {
            "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": format},
            "StorageDescriptor": descriptor,
        }  # fmt: skip
        Glue(self.glue.workspace).call("CreateTable", DatabaseName=self.name, TableInput=definition)
        return self.glue.create_dynamic_frame.from_catalog(database=self.name, table_name=name)


@contextmanager
def own_lake(glue: GlueContext, name: str) -> Iterator[Lake]:
    """A bucket and a database of that name, which are gone in the end."""
    made = Lake(glue, name)
    made.client.create_bucket(Bucket=name)
    Glue(glue.workspace).call("CreateDatabase", DatabaseInput={"Name": name})
    try:
        yield made
    finally:
        Glue(glue.workspace).call("DeleteDatabase", Name=name)
        for page in made.client.get_paginator("list_objects_v2").paginate(Bucket=name):
            if found := [{"Key": one["Key"]} for one in page.get("Contents", ())]:
                made.client.delete_objects(Bucket=name, Delete={"Objects": found})
        made.client.delete_bucket(Bucket=name)
