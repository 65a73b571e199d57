"""User-defined functions: the catalog records them, and Spark loads their classes."""

from __future__ import annotations

from typing import Any

from hive_metastore import ttypes as hive

from lakelet.catalog.functions.store import Function
from lakelet.catalog.hive.face import Face, like, plain
from lakelet.catalog.hive.shapes import CATALOG
from lakelet.catalog.model import fold
from lakelet.workspace.errors import EntityNotFoundException
from lakelet.workspace.state import reading, writing

_OWNERS = {"USER": hive.PrincipalType.USER, "ROLE": hive.PrincipalType.ROLE, "GROUP": hive.PrincipalType.GROUP}
_RESOURCES = {"JAR": hive.ResourceType.JAR, "FILE": hive.ResourceType.FILE, "ARCHIVE": hive.ResourceType.ARCHIVE}


class Functions(Face):
    """The methods of ThriftHiveMetastore on functions."""

    def get_function(self, database: str, name: str) -> Any:
        """One function; NoSuchObjectException."""
        with reading(self.engine) as connection:
            try:
                return _shown(self.catalog.functions.get(connection, plain(database), name))
            except EntityNotFoundException as error:  # Spark looks for these words
                raise EntityNotFoundException(f"Function {plain(database)}.{fold(name)} does not exist") from error

    def get_functions(self, database: str, pattern: str) -> list[str]:
        """The names of a database's functions that match a pattern."""
        with reading(self.engine) as connection:
            found = self.catalog.functions.all(connection, plain(database))
        return like(pattern, [one.name for one in found])

    def get_all_functions(self) -> Any:
        """Every function of every database."""
        with reading(self.engine) as connection:
            found = self.catalog.functions.all(connection, None)
        return hive.GetAllFunctionsResponse(functions=[_shown(one) for one in found])

    def create_function(self, function: Any) -> None:
        """Record a function; AlreadyExistsException, NoSuchObjectException for the database."""
        with writing(self.engine) as connection:
            database = self.find_database(connection, function.dbName)
            self.catalog.functions.create(connection, database.name, _input(function))

    def alter_function(self, database: str, name: str, function: Any) -> None:
        """Replace a function; MetaException when it is not there."""
        with writing(self.engine) as connection:
            self.catalog.functions.update(connection, plain(database), name, _input(function))

    def drop_function(self, database: str, name: str) -> None:
        """Forget a function; NoSuchObjectException."""
        with writing(self.engine) as connection:
            self.catalog.functions.delete(connection, plain(database), name)
            self.forget_tags(connection, "userDefinedFunction", plain(database), fold(name))


def _shown(function: Function) -> Any:
    definition = function.definition
    return hive.Function(
        functionName=function.name,
        dbName=function.database,
        className=definition.get("ClassName", ""),
        ownerName=definition.get("OwnerName", ""),
        ownerType=_OWNERS.get(definition.get("OwnerType", "USER"), hive.PrincipalType.USER),
        createTime=int(function.created_at),
        functionType=hive.FunctionType.JAVA,
        resourceUris=[
            hive.ResourceUri(resourceType=_RESOURCES[one["ResourceType"]], uri=one["Uri"])
            for one in definition.get("ResourceUris") or ()
        ],
        catName=CATALOG,
    )


def _input(function: Any) -> dict[str, Any]:
    kinds = {number: name for name, number in _RESOURCES.items()}
    owners = {number: name for name, number in _OWNERS.items()}
    return {
        "FunctionName": function.functionName,
        "ClassName": function.className,
        "OwnerName": function.ownerName or "",
        "OwnerType": owners.get(function.ownerType, "USER"),
        "ResourceUris": [
            {"ResourceType": kinds[one.resourceType], "Uri": one.uri} for one in function.resourceUris or ()
        ],
    }
