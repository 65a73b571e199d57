"""The ARNs that a request is about, from its parameters: what policies' Resource elements are matched with.

Source: AWS Service Authorization Reference (Glue, IAM, STS). A table of each service; what is in none of them is about
``*``. A Glue request on a table is about its database and catalog too, and needs all of them allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lakelet.aws.catalogs import other_catalog
from lakelet.aws.context import current
from lakelet.catalog.registry.model import registry_name, schema_names
from lakelet.identity.principals import Principal
from lakelet.identity.store import Kind
from lakelet.workspace.errors import InvalidInputException

Parameters = Mapping[str, Any]

# Templates of Glue's ARNs by operation; {A.B} is a member, {A[]} each of a list, an absent one is *.
_GLUE = {
    "CreateDatabase": ("catalog", "database/{DatabaseInput.Name}"),
    "GetDatabase": ("catalog", "database/{Name}"),
    "UpdateDatabase": ("catalog", "database/{Name}"),
    "DeleteDatabase": ("catalog", "database/{Name}"),
    "GetDatabases": ("catalog", "database/*"),
    "CreateTable": ("catalog", "database/{DatabaseName}", "table/{DatabaseName}/{TableInput.Name}"),
    "UpdateTable": ("catalog", "database/{DatabaseName}", "table/{DatabaseName}/{TableInput.Name}"),
    "GetTable": ("catalog", "database/{DatabaseName}", "table/{DatabaseName}/{Name}"),
    "GetUnfilteredTableMetadata": ("catalog", "database/{DatabaseName}", "table/{DatabaseName}/{Name}"),
    "DeleteTable": ("catalog", "database/{DatabaseName}", "table/{DatabaseName}/{Name}"),
    "GetTables": ("catalog", "database/{DatabaseName}", "table/{DatabaseName}/*"),
    "BatchDeleteTable": ("catalog", "database/{DatabaseName}", "table/{DatabaseName}/{TablesToDelete[]}"),
    "SearchTables": ("catalog", "database/*", "table/*/*"),
    "CreateUserDefinedFunction": (
        "catalog", "database/{DatabaseName}", "userDefinedFunction/{DatabaseName}/{FunctionInput.FunctionName}",
    ),
    "GetUserDefinedFunctions": ("catalog", "database/{DatabaseName}", "userDefinedFunction/{DatabaseName}/*"),
    "CreateConnection": ("catalog", "connection/{ConnectionInput.Name}"),
    "GetConnection": ("catalog", "connection/{Name}"),
    "UpdateConnection": ("catalog", "connection/{Name}"),
    "DeleteConnection": ("catalog", "connection/{ConnectionName}"),
    "TestConnection": ("catalog", "connection/{ConnectionName}"),
    "BatchDeleteConnection": ("catalog", "connection/{ConnectionNameList[]}"),
    "RegisterConnectionType": ("connectionType/{ConnectionType}",),
    "DescribeConnectionType": ("connectionType/{ConnectionType}",),
    "DeleteConnectionType": ("connectionType/{ConnectionType}",),
    "GetConnections": ("catalog", "connection/*"),
    "CreateJob": ("job/{Name}",),
    "BatchGetJobs": ("job/{JobNames[]}",),
    "BatchGetCrawlers": ("crawler/{CrawlerNames[]}",),
    "BatchStopJobRun": ("job/{JobName}",),
    "CreateRegistry": ("registry/{RegistryName}",),
    "GetCatalog": ("catalog",),
    "CreateCatalog": ("catalog", "catalog/{Name}"),
    "UpdateCatalog": ("catalog",),
    "DeleteCatalog": ("catalog",),
    "GetCatalogs": ("catalog",),
    "GetResourcePolicies": ("catalog",),
    "GetResourcePolicy": ("catalog",),
    "PutResourcePolicy": ("catalog",),
    "DeleteResourcePolicy": ("catalog",),
    "GetDataCatalogEncryptionSettings": ("catalog",),
    "PutDataCatalogEncryptionSettings": ("catalog",),
}  # fmt: skip
# Where no operation of the table fits: the first row of which the request has all members.
_GLUE_BY_MEMBERS = (
    (("DatabaseName", "FunctionName"), ("catalog", "database/{DatabaseName}",
                                        "userDefinedFunction/{DatabaseName}/{FunctionName}")),
    (("DatabaseName", "TableName"), ("catalog", "database/{DatabaseName}", "table/{DatabaseName}/{TableName}")),
    (("DatabaseName",), ("catalog", "database/{DatabaseName}")),
    (("JobName",), ("job/{JobName}",)),
    (("CrawlerName",), ("crawler/{CrawlerName}",)),
    (("ResourceArn",), ("{ResourceArn}",)),
)  # fmt: skip
# Operations on a thing by its Name: GetCrawler, StartTrigger, DeleteWorkflow, …
_GLUE_NOUNS = {
    "Crawler": "crawler", "Trigger": "trigger", "Workflow": "workflow", "DevEndpoint": "devEndpoint",
    "Blueprint": "blueprint", "DataQualityRuleset": "dataQualityRuleset",
}  # fmt: skip
_MEMBER = re.compile(r"\{([A-Za-z.]+)(\[\])?\}")
_FOLDED = ("database", "table", "userDefinedFunction")  # names that Glue folds to lower case


def resources(service: str, operation: str, parameters: Parameters, principal: Principal, region: str) -> Sequence[str]:
    """The ARNs that a request is about, ``*`` where that is not mapped. ``service`` is the signing name."""
    match service:
        case "glue":
            return _glue(operation, parameters, f"arn:aws:glue:{region}:{principal.account}:")
        case "iam":
            return _iam(operation, parameters, principal)
        case "sts" if operation == "AssumeRoot":
            return [f"arn:aws:iam::{principal.account}:root"]
        case _:
            arn = parameters.get("ResourceArn") or parameters.get("ResourceARN")
            return [arn if isinstance(arn, str) else "*"]


def _glue(operation: str, parameters: Parameters, prefix: str) -> Sequence[str]:
    filled = [text for template in _glue_templates(operation, parameters) for text in _filled(template, parameters)]
    if (catalog := other_catalog(parameters)) is not None:
        filled = [_in_catalog(text, catalog) for text in filled]
    return [_spelled(text if text == "*" or text.startswith("arn:") else prefix + text) for text in filled]


def _in_catalog(resource: str, catalog: str) -> str:
    """A resource of another catalog than the account's own: its name comes first (``database/CATALOG/NAME``)."""
    kind, slash, name = resource.partition("/")
    return f"{kind}/{catalog}{slash}{name}" if kind in ("catalog", *_FOLDED) else resource


def _spelled(arn: str) -> str:
    """An ARN with the names that Glue folds in lower case."""
    *head, last = arn.split(":", 5)
    kind, slash, name = last.partition("/")
    return ":".join((*head, kind + slash + (name.lower() if kind in _FOLDED else name)))


def _glue_templates(operation: str, parameters: Parameters) -> Sequence[str]:
    if operation in _GLUE:
        return _GLUE[operation]
    if (found := _registry(parameters)) is not None:
        return found
    if isinstance(parameters.get("Name"), str):
        for noun, kind in _GLUE_NOUNS.items():
            if operation.endswith(noun):
                return (f"{kind}/{{Name}}",)
    for members, templates in _GLUE_BY_MEMBERS:
        if all(member in parameters for member in members):
            return templates
    return ("*",)


def _filled(template: str, parameters: Parameters) -> list[str]:
    """The template with its members put in: one text, or one for each item of the list that it names."""
    texts = [""]
    end = 0
    for found in _MEMBER.finditer(template):
        value: Any = parameters
        for part in found[1].split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        values = value if found[2] and isinstance(value, list) else [value]
        names = [one if isinstance(one, str) else "*" for one in values]
        texts = [text + template[end : found.start()] + name for text in texts for name in names]
        end = found.end()
    return [text + template[end:] for text in texts]


def _registry(parameters: Parameters) -> Sequence[str] | None:
    """The templates of what a SchemaId or RegistryId means, by name or by ARN; None when the request has none."""
    schema, registry = parameters.get("SchemaId"), parameters.get("RegistryId")
    try:
        if isinstance(schema, Mapping):
            found = schema_names(schema)
            return (f"registry/{found[0]}", f"schema/{found[0]}/{found[1]}")
        if isinstance(registry, Mapping):
            name = registry_name(registry)
            new = parameters.get("SchemaName")  # CreateSchema
            return (f"registry/{name}", *([f"schema/{name}/{new}"] if isinstance(new, str) else []))
    except InvalidInputException:
        return ("*",)  # the operation will say what is wrong with it
    return None


def _iam(operation: str, parameters: Parameters, principal: Principal) -> Sequence[str]:
    """The user, group, role or policy, as it is spelled here; a rename is about the new name too."""
    for member, kind in _IAM_NAMES.items():
        if member == "UserName" and operation in ("AddUserToGroup", "RemoveUserFromGroup"):
            continue
        if not isinstance(name := parameters.get(member), str):
            continue
        noun = member.removesuffix("Name")
        prefix = f"arn:aws:iam::{principal.account}:{kind}"
        if operation == f"Create{noun}":
            return [f"{prefix}{_text(parameters.get('Path'), '/')}{name}"]
        arn = current().identity.arn(kind, name)
        path, _, own = arn.removeprefix(prefix).rpartition("/")
        if operation == f"Update{noun}" and not parameters.keys().isdisjoint({f"New{member}", "NewPath"}):
            path = _text(parameters.get("NewPath"), f"{path}/")
            return [arn, f"{prefix}{path}{_text(parameters.get(f'New{member}'), own)}"]
        return [arn]
    if principal.kind == "user" and operation in _OWN:
        return [principal.entity_arn]
    for member in _IAM_ARNS:
        if isinstance(sent := parameters.get(member), str):
            return [sent]
    if operation in _IAM_NEW:
        member, noun = _IAM_NEW[operation]
        new = _text(parameters.get(member), "*")
        new = new.partition("://")[2].rstrip("/") if "://" in new else new
        return [f"arn:aws:iam::{principal.account}:{noun}{_text(parameters.get('Path'), '/')}{new}"]
    return ["*"]


_IAM_NAMES: Mapping[str, Kind] = {"UserName": "user", "RoleName": "role", "GroupName": "group", "PolicyName": "policy"}
_IAM_ARNS = ("PolicyArn", "PolicySourceArn", "OpenIDConnectProviderArn", "SAMLProviderArn", "SerialNumber")
_IAM_NEW = {  # what makes a thing, by the member that names it
    "CreateOpenIDConnectProvider": ("Url", "oidc-provider"),
    "CreateSAMLProvider": ("Name", "saml-provider"),
    "CreateVirtualMFADevice": ("VirtualMFADeviceName", "mfa"),
}
_OWN = (
    "GetUser", "ListMFADevices", "DeactivateMFADevice", "CreateAccessKey", "ListAccessKeys", "UpdateAccessKey",
    "DeleteAccessKey",
)  # fmt: skip


def _text(value: Any, default: str) -> str:
    return value if isinstance(value, str) else default
