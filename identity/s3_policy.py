"""What a principal may do on the object store, as one policy that MinIO understands.

MinIO's AssumeRole takes one session policy and knows neither our users and roles nor their boundaries. So the layers
that bind a principal (identity-based, boundary, session policies) are compiled into one document that allows what all
of them allow, and denies what any of them denies. Whatever MinIO would read in another way is refused by name.

Source of what MinIO has: MinIO documentation, "Policy Based Access Control" (supported actions and condition keys).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lakelet.identity.conditions import Condition, Context, substitute, text_of, variables_in
from lakelet.identity.documents import Statement
from lakelet.identity.errors import PackedPolicyTooLarge
from lakelet.identity.evaluator import Layer, Source
from lakelet.identity.patterns import ANY, ONE, Pattern, covers, intersection, matches, pattern, spelled
from lakelet.workspace.errors import NotImplementedException

MAX_LENGTH = 2048  # characters; MinIO's limit of a session policy, and AWS's
OBJECT_ACTIONS = frozenset(
    f"s3:{name}"
    for name in (
        "AbortMultipartUpload", "BypassGovernanceRetention", "DeleteObject", "DeleteObjectTagging",
        "DeleteObjectVersion", "DeleteObjectVersionTagging", "GetObject", "GetObjectAttributes", "GetObjectLegalHold",
        "GetObjectRetention", "GetObjectTagging", "GetObjectVersion", "GetObjectVersionAttributes",
        "GetObjectVersionForReplication", "GetObjectVersionTagging", "ListMultipartUploadParts", "PutObject",
        "PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging", "PutObjectVersionTagging", "ReplicateDelete",
        "ReplicateObject", "ReplicateTags", "RestoreObject",
    )
)  # fmt: skip
ACTIONS = OBJECT_ACTIONS | {
    f"s3:{name}"
    for name in (
        "CreateBucket", "DeleteBucket", "DeleteBucketPolicy", "GetBucketLocation", "GetBucketNotification",
        "GetBucketObjectLockConfiguration", "GetBucketPolicy", "GetBucketPolicyStatus", "GetBucketTagging",
        "GetBucketVersioning", "GetEncryptionConfiguration", "GetLifecycleConfiguration", "GetReplicationConfiguration",
        "ListAllMyBuckets", "ListBucket", "ListBucketMultipartUploads", "ListBucketVersions", "PutBucketNotification",
        "PutBucketObjectLockConfiguration", "PutBucketPolicy", "PutBucketTagging", "PutBucketVersioning",
        "PutEncryptionConfiguration", "PutLifecycleConfiguration", "PutReplicationConfiguration",
    )
}  # fmt: skip
# Globs that stand for many actions, tried in this order when a statement is written.
_GLOBS = (
    "s3:*", "s3:Get*", "s3:Put*", "s3:List*", "s3:Delete*", "s3:Replicate*", "s3:GetObject*", "s3:PutObject*",
    "s3:DeleteObject*", "s3:GetBucket*", "s3:PutBucket*", "s3:ListBucket*", "s3:DeleteBucket*",
)  # fmt: skip
# The condition keys of a request that MinIO knows; those of a principal are settled when the policy is compiled.
_REQUEST_KEYS = {
    key.lower(): key
    for key in (
        "aws:CurrentTime", "aws:EpochTime", "aws:Referer", "aws:SecureTransport", "aws:SourceIp", "aws:UserAgent",
        "s3:authType", "s3:delimiter", "s3:max-keys", "s3:object-lock-legal-hold", "s3:object-lock-mode",
        "s3:object-lock-remaining-retention-days", "s3:object-lock-retain-until-date", "s3:prefix",
        "s3:signatureAge", "s3:signatureversion", "s3:versionid", "s3:x-amz-content-sha256", "s3:x-amz-copy-source",
        "s3:x-amz-metadata-directive", "s3:x-amz-server-side-encryption",
        "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:x-amz-server-side-encryption-customer-algorithm",
        "s3:x-amz-storage-class",
    )
}  # fmt: skip
_REQUEST_TAGS = ("s3:existingobjecttag/", "s3:requestobjecttag/")
_OPERATORS = {
    f"{kind}{test}"
    for kind in ("Numeric", "Date")
    for test in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
} | {
    "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
    "StringNotLike", "BinaryEquals", "IpAddress", "NotIpAddress", "Null", "Bool",
}  # fmt: skip
_PRINCIPAL_KEYS = (
    "aws:principal", "aws:userid", "aws:username", "aws:requestedregion", "aws:viaawsservice", "aws:multifactorauth",
    "aws:tokenissuetime", "aws:federatedprovider", "aws:sourceidentity", "aws:assumedroot", "sts:", "iam:", "saml:",
)  # fmt: skip
_PREFIX = "arn:aws:s3:::"
_EVERYTHING = pattern(f"{_PREFIX}*")
_NOTHING: dict[str, object] = {"Effect": "Deny", "Action": ["s3:*"], "Resource": [f"{_PREFIX}*"]}

Conditions = tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class _Grant:
    """Actions on resources (with ``excepts``: on all but those), under conditions: operator, key, values."""

    actions: frozenset[str]
    resources: tuple[Pattern, ...]
    excepts: bool
    conditions: Conditions
    where: str


def compile_policy(layers: Sequence[Layer], context: Context, most: int = MAX_LENGTH) -> str:
    """The one document, at most ``most`` characters of JSON.

    ``context`` holds the principal's condition keys. Raises NotImplementedException for what MinIO cannot express,
    PackedPolicyTooLarge for a longer one.
    """
    allowed: list[_Grant] | None = None
    denied: list[_Grant] = []
    for layer in layers:
        grants: list[_Grant] = []
        for source in layer.sources:
            for statement in source.policy.statements:
                if (grant := _grant(statement, source, context)) is not None:
                    (grants if statement.allows else denied).append(grant)
        allowed = grants if allowed is None else list(_both(allowed, grants))
    statements: list[dict[str, object]] = [
        *_written("Allow", _reduced(allowed or [])),
        *_written("Deny", _reduced(denied)),
    ]
    if not any(statement["Effect"] == "Allow" for statement in statements):
        statements = [dict(_NOTHING)]  # an empty session policy would be no limit at all
    text = json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
    if len(text) > most:
        raise PackedPolicyTooLarge(
            f"What the credentials may do on S3 takes {len(text)} characters as one policy, and {most} is the most: "
            "allow it with fewer or wider statements."
        )
    return text


def _grant(statement: Statement, source: Source, context: Context) -> _Grant | None:
    """A statement as far as it concerns S3; None when it does not."""
    where = f"the policy {source.id}" + (f", statement {statement.sid}" if statement.sid else "")
    actions = _named(statement.actions) if statement.actions is not None else ACTIONS - _named(statement.not_actions)
    if not actions:
        return None
    variables = source.policy.variables
    excepts = statement.resources is None
    listed = statement.not_resources if excepts else statement.resources
    resources: list[Pattern] = []
    for text in listed or ():
        found = _resource(text, context, variables, where)
        if found is None and excepts and statement.allows:
            return None  # what it excepts is unknown, so that it allows nothing
        resources += found or ()
    if not resources and not excepts:
        return None
    if not resources:
        resources, excepts = [_EVERYTHING], False
    conditions = []
    for condition in statement.conditions:
        if _settled(condition.key) or condition.key.lower() in context:
            if not condition.holds(context, variables):
                return None
        else:
            conditions.append(_condition(condition, context, variables, where))
    return _Grant(actions, tuple(dict.fromkeys(resources)), excepts, tuple(sorted(conditions)), where)


def _named(patterns: Iterable[str] | None) -> frozenset[str]:
    wanted = [pattern(one.lower()) for one in patterns or ()]
    return frozenset(action for action in ACTIONS if any(matches(one, action.lower()) for one in wanted))


def _resource(text: str, context: Context, variables: bool, where: str) -> Sequence[Pattern] | None:
    """A resource as far as it is S3's; None when a variable in it has no value, so that it matches nothing."""
    found = substitute(text, context, variables)
    if found is None:
        if all(_settled(name) or name.lower() in context for name in variables_in([text])):
            return None
        raise _refused(f"a variable in the resource {text[:100]}", where)
    try:
        return intersection(found, _EVERYTHING)
    except ValueError as error:
        raise _refused(f"the resource {text[:100]} ({error})", where) from None


def _condition(condition: Condition, context: Context, variables: bool, where: str) -> tuple[str, str, tuple[str, ...]]:
    key = condition.key.lower()
    known = _REQUEST_KEYS.get(key)
    if known is None and key.startswith(_REQUEST_TAGS):
        prefix, _, tag = condition.key.partition("/")
        known = f"s3:{'ExistingObjectTag' if 'existing' in prefix.lower() else 'RequestObjectTag'}/{tag}"
    if known is None:
        raise _refused(f"the condition key {condition.key[:100]}", where)
    if condition.operator not in _OPERATORS or condition.if_exists:
        raise _refused(f"the condition operator {condition.name}", where)
    values = []
    for value in condition.values:
        tokens = substitute(value, context, variables)
        if tokens is None:
            raise _refused(f"a variable in a value of {condition.key[:100]}", where)
        text = spelled(tokens) if "Like" in condition.operator else text_of(tokens)
        if text is None or "${" in text:
            raise _refused(f"the value {value[:100]} of {condition.key[:100]}", where)
        values.append(text)
    return condition.name, known, tuple(sorted(values))


def _settled(key: str) -> bool:
    """Whether a condition key is the principal's (present or not), not the S3 request's."""
    return key.lower().startswith(_PRINCIPAL_KEYS)


def _both(left: Sequence[_Grant], right: Sequence[_Grant]) -> Iterator[_Grant]:
    """What both sides grant."""
    for one in left:
        for other in right:
            if not (actions := one.actions & other.actions):
                continue
            resources, excepts = _common(one, other)
            if resources:
                yield _Grant(actions, resources, excepts, _all(one, other), one.where)


def _common(one: _Grant, other: _Grant) -> tuple[tuple[Pattern, ...], bool]:
    if not one.excepts and not other.excepts:
        try:
            found = [p for a in one.resources for b in other.resources for p in intersection(a, b)]
        except ValueError as error:
            raise _refused(f"the resources that it shares with {other.where} ({error})", one.where) from None
        return tuple(dict.fromkeys(found)), False
    if one.excepts and other.excepts:
        return tuple(dict.fromkeys((*one.resources, *other.resources))), True
    exception, rest = (one, other) if one.excepts else (other, one)
    if rest.resources == (_EVERYTHING,):
        return exception.resources, True
    raise _refused(f"NotResource narrowed by {rest.where}", exception.where)


def _all(one: _Grant, other: _Grant) -> Conditions:
    merged = {(operator, key): values for operator, key, values in one.conditions}
    for operator, key, values in other.conditions:
        if merged.setdefault((operator, key), values) != values:
            raise _refused(f"two conditions {operator} on {key} that must both hold", one.where)
    return tuple(sorted((operator, key, values) for (operator, key), values in merged.items()))


def _reduced(grants: Sequence[_Grant]) -> list[_Grant]:
    """Without grants that another one contains."""
    kept: list[_Grant] = []
    for grant in grants:
        if not any(_contains(other, grant) for other in kept):
            kept = [other for other in kept if not _contains(grant, other)] + [grant]
    return kept


def _contains(wide: _Grant, narrow: _Grant) -> bool:
    if wide.conditions not in ((), narrow.conditions) or not wide.actions >= narrow.actions:
        return False
    if wide.excepts or narrow.excepts:
        return wide.excepts == narrow.excepts and set(wide.resources) <= set(narrow.resources)
    return all(any(covers(one, other) for one in wide.resources) for other in narrow.resources)


def _written(effect: str, grants: Iterable[_Grant]) -> Iterator[dict[str, object]]:
    for grant in grants:
        on_objects, on_buckets = grant.actions & OBJECT_ACTIONS, grant.actions - OBJECT_ACTIONS
        # MinIO sees a bucket as "name/", which "name/*" would match; AWS sees no slash.
        bucket_resources = [found for one in grant.resources for found in _of_buckets(one)]
        if on_buckets and sorted(map(text_of, bucket_resources)) == sorted(map(text_of, grant.resources)):
            yield _statement(effect, grant, grant.actions, grant.resources)
            continue
        if on_objects:
            yield _statement(effect, grant, on_objects, grant.resources)
        if on_buckets and bucket_resources:
            yield _statement(effect, grant, on_buckets, bucket_resources)
        elif on_buckets and grant.excepts:
            yield _statement(effect, grant, on_buckets, [_EVERYTHING], excepts=False)


def _of_buckets(resource: Pattern) -> list[Pattern]:
    """The patterns by which MinIO finds the buckets that a resource names."""
    if "/" in resource:
        return []
    wild = any(token in (ANY, ONE) for token in resource)
    return [resource, (*resource, "/")] if wild and resource[-1] is not ANY else [resource]


def _statement(
    effect: str, grant: _Grant, actions: frozenset[str], resources: Sequence[Pattern], excepts: bool | None = None
) -> dict[str, object]:
    texts = []
    for resource in resources:
        text = spelled(resource)
        if text is None or "${" in text:
            raise _refused(f"the resource {text_of(resource)[:100]}", grant.where)
        texts.append(text)
    name = "NotResource" if (grant.excepts if excepts is None else excepts) else "Resource"
    statement: dict[str, object] = {"Effect": effect, "Action": _globs(actions), name: texts}
    if grant.conditions:
        block: dict[str, dict[str, list[str]]] = {}
        for operator, key, values in grant.conditions:
            if key in block.setdefault(operator, {}):
                raise _refused(f"two conditions {operator} on {key} that must both hold", grant.where)
            block[operator][key] = list(values)
        statement["Condition"] = block
    return statement


def _globs(actions: frozenset[str]) -> list[str]:
    """The actions, with globs for those that they spell exactly."""
    rest, found = set(actions), []
    for glob in _GLOBS:
        covered = {action for action in ACTIONS if matches(pattern(glob), action)}
        if covered <= actions and len(covered & rest) > 1:
            found.append(glob)
            rest -= covered
    return [*found, *sorted(rest)]


def _refused(what: str, where: str) -> NotImplementedException:
    return NotImplementedException(
        f"The object store (MinIO) cannot enforce {what}, in {where}: credentials for it are not given."
    )
