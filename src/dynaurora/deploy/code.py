"""The zips of a project, and how they come into the artifacts bucket."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from dynaurora.adapters.aws import aws_errors, error_code
from dynaurora.deploy.account import Account
from dynaurora.deploy.outcomes import CodeOutcome
from dynaurora.deploy.packaging import (
    Package,
    Platform,
    Sources,
    load_package,
    streams_package,
)
from dynaurora.deploy.project import Project


def packages_of(project: Project) -> tuple[Package, Package]:
    """The zip of capture and transform, and that of the load.

    An emulator on this machine runs them with this interpreter and reads the plugins' folder.
    """
    on_aws = not project.is_local
    sources = Sources(
        lambda_functions=project.lambda_functions,
        cache=project.cache,
        platform=Platform(project.runtime.removeprefix("python"), project.architecture)
        if on_aws
        else None,
        plugins=project.sqlqueries if on_aws else None,
    )
    return streams_package(sources), load_package(sources)


def brought(account: Account, bucket: str, package: Package) -> CodeOutcome:
    """Upload a zip unless it is there. CloudFormation is not told of code that is not."""
    account.begin("code", package.key)
    s3 = account.client("s3")
    where = {"Bucket": bucket, "Key": package.key, "ExpectedBucketOwner": account.number}
    outcome = CodeOutcome(package.key, package.size_bytes, is_new=False)
    with aws_errors(f"bucket {bucket}"):
        if not _is_there(s3, where):
            s3.put_object(Body=package.zipped(), ContentType="application/zip", **where)
            outcome = replace(outcome, is_new=True)
    account.tell(outcome)
    return outcome


def _is_there(s3: Any, where: Mapping[str, str]) -> bool:
    try:
        s3.head_object(**where)
    except ClientError as error:
        if error_code(error) in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True
