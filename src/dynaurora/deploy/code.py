"""The zips of a project, and how they come into the artifacts bucket."""

from botocore.exceptions import ClientError

from dynaurora.adapters.aws import aws_errors, error_code
from dynaurora.deploy.account import Account
from dynaurora.deploy.certificates import certificates_of
from dynaurora.deploy.outcomes import CodeOutcome
from dynaurora.deploy.packaging import (
    Package,
    Sources,
    load_package,
    streams_package,
)
from dynaurora.deploy.project import Project
from dynaurora.deploy.wheels import Platform


def packages_of(project: Project) -> tuple[Package, Package]:
    """The zip of capture and transform, and that of the load.

    An emulator on this machine runs them with this interpreter and reads the plugins' folder. It
    is started often, and its workers seldom.
    """
    on_aws = not project.is_local
    sources = Sources(
        lambda_functions=project.lambda_functions,
        cache=project.cache,
        platform=Platform(project.runtime.removeprefix("python"), project.architecture)
        if on_aws
        else None,
        plugins=project.sqlqueries if on_aws else None,
        certificates=certificates_of(project) if on_aws else None,
        has_bytecode=on_aws,
    )
    return streams_package(sources), load_package(sources)


def brought(account: Account, bucket: str, package: Package) -> CodeOutcome:
    """Upload a zip unless it is there. CloudFormation is not told of code that is not."""
    account.begin("code", package.key)
    size = zip_size(account, bucket, package.key)
    is_new = size is None
    if size is None:
        zipped = package.zipped()
        with aws_errors(f"bucket {bucket}"):
            account.client("s3").put_object(
                Body=zipped, ContentType="application/zip", **_where(account, bucket, package.key)
            )
        size = len(zipped)
    outcome = CodeOutcome(package.key, size, is_new=is_new)
    account.tell(outcome)
    return outcome


def zip_size(account: Account, bucket: str, key: str) -> int | None:
    """The bytes of a zip, None where it is not there."""
    with aws_errors(f"bucket {bucket}"):
        try:
            found = account.client("s3").head_object(**_where(account, bucket, key))
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchKey", "NotFound"):
                return None
            raise
    return int(found["ContentLength"])


def _where(account: Account, bucket: str, key: str) -> dict[str, str]:
    return {"Bucket": bucket, "Key": key, "ExpectedBucketOwner": account.number}
