"""The managed policies of AWS's own that may be attached here, by ARN.

Source: AWS Managed Policy Reference Guide. Only those that programs of this stack are given in AWS's own tutorials;
what a policy allows for services that are not here is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

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
MANAGED: Mapping[str, str] = {
    PREFIX + name: json.dumps({"Version": "2012-10-17", "Statement": statements})
    for name, statements in _SOURCES.items()
}
"""The documents, by ARN."""
