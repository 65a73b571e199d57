"""The managed policies of AWS's own that may be attached here, by ARN.

Source: AWS Managed Policy Reference Guide. Only those that programs of this stack are given in AWS's own tutorials;
what a policy allows for services that are not here is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

PREFIX = "arn:aws:iam::aws:policy/"
_BUCKETS = ["arn:aws:s3:::aws-glue-*"]
_SOURCES: Mapping[str, list[dict[str, object]]] = {
    "AdministratorAccess": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    "PowerUserAccess": [{"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"}],
    "IAMFullAccess": [{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}],
    "AmazonS3FullAccess": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    "AmazonS3ReadOnlyAccess": [{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}],
    "service-role/AWSGlueServiceRole": [
        {
            "Effect": "Allow",
            "Action": ["glue:*", "s3:GetBucketLocation", "s3:ListBucket", "s3:ListAllMyBuckets", "s3:GetBucketAcl"],
            "Resource": "*",
        },
        {"Effect": "Allow", "Action": "s3:CreateBucket", "Resource": _BUCKETS},
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": ["arn:aws:s3:::aws-glue-*/*", "arn:aws:s3:::*/*aws-glue-*/*"],
        },
        {
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": ["arn:aws:s3:::crawler-public*", *_BUCKETS],
        },
    ],
}
_TASKS: Mapping[str, list[str]] = {
    "IAMAuditRootUserCredentials": [
        "iam:GetAccessKeyLastUsed", "iam:GetAccountSummary", "iam:GetLoginProfile", "iam:GetUser",
        "iam:ListAccessKeys", "iam:ListMFADevices", "iam:ListSigningCertificates",
    ],
    "IAMCreateRootUserPassword": ["iam:CreateLoginProfile", "iam:GetLoginProfile"],
    "IAMDeleteRootUserCredentials": [
        "iam:DeactivateMFADevice", "iam:DeleteAccessKey", "iam:DeleteLoginProfile", "iam:DeleteSigningCertificate",
        "iam:GetLoginProfile", "iam:ListAccessKeys", "iam:ListMFADevices", "iam:ListSigningCertificates",
    ],
    "S3UnlockBucketPolicy": [
        "s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:ListAllMyBuckets", "s3:PutBucketPolicy",
    ],
    "SQSUnlockQueuePolicy": ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueues", "sqs:SetQueueAttributes"],
}  # fmt: skip


def _document(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


MANAGED: Mapping[str, str] = {PREFIX + name: _document(*statements) for name, statements in _SOURCES.items()}
"""The documents, by ARN."""
ROOT_TASKS: Mapping[str, str] = {
    f"{PREFIX}root-task/{name}": _document({"Effect": "Allow", "Action": actions, "Resource": "*"})
    for name, actions in _TASKS.items()
}
"""Those that limit a session of AssumeRoot, by ARN; nothing else can have them."""


def is_root_task(policies: Sequence[str] | None) -> bool:
    """Whether a session's policies are those of AssumeRoot."""
    return policies is not None and any(policy in ROOT_TASKS for policy in policies)
