"""Bind AWS operations to plain Python functions named after them: ``get_database(name)`` is Glue's GetDatabase.

The signature is the coverage list. A parameter is a member of the operation's input in botocore's spelling
(``database_input`` for ``DatabaseInput``); a member that the signature lacks is refused by name, never ignored.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from botocore import xform_name
from botocore.model import OperationModel, ServiceModel
from botocore.session import Session

from lakelet.aws.catalogs import served
from lakelet.aws.protocol.values import decode
from lakelet.aws.validation import validate
from lakelet.workspace.errors import NotImplementedException, ValidationException

Function = Callable[..., "dict[str, Any] | None"]

_at_once: set[Function] = set()


def at_once(function: Function) -> Function:
    """Mark an operation that does nothing but look one thing up in the database: no thread is asked to do it."""
    _at_once.add(function)
    return function


@dataclass(frozen=True)
class Operation:
    """One served operation: its model, its function, and the argument of each member that the function takes."""

    model: OperationModel
    function: Function
    arguments: Mapping[str, str]
    required: frozenset[str]

    @property
    def at_once(self) -> bool:
        """Whether it is marked by :func:`at_once`."""
        return self.function in _at_once

    def call(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Validate the parameters and call the function.

        Raises NotImplementedException for a member that is not served, ValidationException for one that breaks the
        model's constraints, and whatever the function raises.
        """
        if refused := parameters.keys() - self.arguments.keys():
            names = ", ".join(sorted(refused))
            raise NotImplementedException(f"{self.model.name} is served without {names}: leave it out.")
        if self.model.input_shape is not None:
            validate(self.model.input_shape, parameters)
        if missing := self.required - parameters.keys():
            raise ValidationException(f"{self.model.name} needs {', '.join(sorted(missing))}.")
        if "CatalogId" in parameters and self.model.service_model.service_name == "glue":
            return served(self.model.name, parameters, self._serve)
        return self._serve(parameters)

    def _serve(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return self.function(**{self.arguments[name]: value for name, value in parameters.items()}) or {}


@dataclass(frozen=True)
class Service:
    """One AWS service: its model and the operations that are served."""

    name: str
    model: ServiceModel
    operations: Mapping[str, Operation]

    def operation(self, name: str) -> Operation | None:
        """The operation of that name; None when AWS has none. Raises NotImplementedException when it is not served."""
        operation = self.operations.get(name)
        if operation is None and name in self.model.operation_names:
            raise NotImplementedException(f"{self.model.metadata['serviceId']} {name} is not served by Lakelet.")
        return operation


@cache
def _session() -> Session:
    return Session()


@cache
def _model(service: str) -> ServiceModel:
    return _session().get_service_model(service)


def read_structure(service: str, shape_name: str, value: Any) -> dict[str, Any]:
    """A structure of a service's model (Glue's TableInput, say) that came as JSON by another way than an operation.

    Raises SerializationException, ValidationException or NotImplementedException, as the wire does.
    """
    shape = _model(service).shape_for(shape_name)
    found: dict[str, Any] = decode(shape, value)
    validate(shape, found)
    return found


def load_service(name: str, source: ModuleType | Sequence[ModuleType]) -> Service:
    """Serve every public function of a package's modules, of a module, or of several modules.

    ``name`` is botocore's name of the service. Raises ``TypeError``, so that a mistake fails at load, for a function
    that is no operation of the service, that is there twice, whose parameter is no member, or that lacks a required
    one.
    """
    model = _model(name)
    by_function = {xform_name(operation): operation for operation in model.operation_names}
    operations: dict[str, Operation] = {}
    for module in _modules(source):
        for function_name, function in _public_functions(module):
            where = f"{module.__name__}.{function_name}"
            operation_name = by_function.get(function_name)
            if operation_name is None:
                raise TypeError(f"{where} is no operation of {name}: start its name with an underscore.")
            if operation_name in operations:
                raise TypeError(f"{where} is defined twice.")
            operations[operation_name] = _bind(where, model.operation_model(operation_name), function)
    return Service(name, model, operations)


def _bind(where: str, model: OperationModel, function: Function) -> Operation:
    members = model.input_shape.members if model.input_shape else {}
    members_by_argument = {xform_name(member): member for member in members}
    parameters = inspect.signature(function).parameters
    if strangers := parameters.keys() - members_by_argument.keys():
        raise TypeError(f"{where}: {model.name} has no member for {', '.join(sorted(strangers))}.")
    arguments = {members_by_argument[argument]: argument for argument in parameters}
    needed = set(model.input_shape.required_members) if model.input_shape else set()
    if lacking := needed - arguments.keys():
        raise TypeError(f"{where}: {model.name} requires {', '.join(sorted(lacking))}.")
    required = frozenset(
        member for member, argument in arguments.items() if parameters[argument].default is inspect.Parameter.empty
    )
    return Operation(model, function, arguments, required)


def _modules(source: ModuleType | Sequence[ModuleType]) -> Iterator[ModuleType]:
    if not isinstance(source, ModuleType):
        yield from source
        return
    yield source
    for found in pkgutil.iter_modules(getattr(source, "__path__", [])):
        if found.name.startswith("_"):
            continue  # shared by the operations, no operations itself
        yield import_module(f"{source.__name__}.{found.name}")


def _public_functions(module: ModuleType) -> Iterator[tuple[str, Function]]:
    for name, function in vars(module).items():
        if inspect.isfunction(function) and not name.startswith("_") and function.__module__ == module.__name__:
            yield name, function
