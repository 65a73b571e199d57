"""Which services there are, found by what requests name them by; a service's model is read when it is first needed."""

from __future__ import annotations

import gc
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib import import_module

from lakelet.aws import services
from lakelet.aws.operations import Service, load_service

# The signing names that are not botocore's names of the services.
_SIGNED_AS = {"es": ("es", "opensearch"), "elasticmapreduce": ("emr",)}
PROTOCOLS = ("json", "query", "rest-json", "smithy-rpc-v2-cbor")


class Directory:
    """Services by name; ``loaders`` has, in botocore's names, how each is loaded."""

    def __init__(self, loaders: Mapping[str, Callable[[], Service]]) -> None:
        self._loaders = loaders

    @classmethod
    def of(cls, loaded: Sequence[Service]) -> Directory:
        """A directory of services that are loaded already; raises TypeError for one whose protocol is not spoken."""
        for service in loaded:
            _check(service)
        return cls({service.name: partial(_itself, service) for service in loaded})

    @classmethod
    def served(cls) -> Directory:
        """Everything in ``aws/services``: a module or package there has botocore's name of its service."""
        return cls({name: partial(load_served, name) for name in served_names()})

    def all(self) -> list[Service]:
        """Every service, loaded."""
        return [load() for load in self._loaders.values()]

    def signed_as(self, signing_name: str) -> list[Service]:
        """The services whose requests are signed under a name."""
        names = _SIGNED_AS.get(signing_name, (signing_name,))
        return [self._loaders[name]() for name in names if name in self._loaders]

    def find(self, protocol: str, address: str, signing_name: str) -> Service | None:
        """The service that a protocol names by ``address``; those of the signature's service are looked at first."""
        for candidates in (self.signed_as, lambda name: self.all()):
            for service in candidates(signing_name):
                if protocol in protocols(service) and _address(service, protocol) == address:
                    return service
        return None


def served_names() -> list[str]:
    """botocore's names of the services in ``aws/services``."""
    found = (module.name for module in pkgutil.iter_modules(services.__path__))
    return sorted(name.replace("_", "-") for name in found if not name.startswith("_"))


@cache
def load_served(name: str) -> Service:
    """One service of ``aws/services``."""
    service = _check(load_service(name, import_module(f".{name.replace('-', '_')}", services.__name__)))
    gc.freeze()  # a model is a hundred thousand objects that stay: the collector need not go through them again
    return service


def protocols(service: Service) -> set[str]:
    """The protocols that a service's model lists and the wire speaks."""
    metadata = service.model.metadata
    return {*metadata.get("protocols", ()), metadata["protocol"]} & set(PROTOCOLS)


def _address(service: Service, protocol: str) -> str:
    if protocol == "query":
        return str(service.model.api_version)
    return str(service.model.metadata.get("targetPrefix", ""))


def _check(service: Service) -> Service:
    if not protocols(service):
        raise TypeError(f"{service.name} speaks {service.model.metadata['protocol']}, which the wire does not.")
    return service


def _itself(service: Service) -> Service:
    return service
