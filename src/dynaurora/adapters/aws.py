"""Clients of AWS, and the one place where botocore's errors become ours.

Where AWS is stands in the environment: `AWS_ENDPOINT_URL`, the profile, the credentials.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from botocore import exceptions as botocore_errors

from dynaurora.collecting import starting
from dynaurora.errors import AwsAway, AwsError

Client = Callable[[str], Any]
"""Gives the client of a service by its name: ``client("s3")``."""

Options = Mapping[str, Any]
"""Of a client: what botocore's ``Config`` is made of, which only who makes one has to import."""

_OPTIONS: Final[Options] = {
    "connect_timeout": 5,
    "read_timeout": 60,
    # CloudFormation and Firehose take few calls a second: wait and ask again.
    "retries": {"mode": "standard", "total_max_attempts": 8},
    "max_pool_connections": 32,
}
_ASKED: Final[Options] = {**_OPTIONS, "read_timeout": 900, "tcp_keepalive": True}
"""For Lambda: a function that is asked may take as long as it may run, and must not be asked again
meanwhile. https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html"""

_FIRST: Final[Options] = {
    **_OPTIONS,
    "retries": {"mode": "standard", "total_max_attempts": 2},
}
"""For the service that is asked first: that nobody answers is told within seconds."""

_SIGN_IN: Final = "Sign in (aws sso login, aws configure) or set AWS_PROFILE."
_IDENTITY_CODES: Final = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_DENIED_CODES: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}
)
_PASSING_CODES: Final = frozenset(
    {"ServiceUnavailableException", "InternalFailure", "RequestLimitExceeded", "SlowDown"}
)
_REMEDIES: Final[Mapping[str, str]] = {
    "ChangeSetNotFound": "Someone else has deployed meanwhile: deploy again.",
    "InsufficientCapabilitiesException": "The template makes roles that were not acknowledged.",
    "InvalidChangeSetStatus": "Someone else has deployed meanwhile: deploy again.",
    "LimitExceededException": "Wait, or raise the quota of the account.",
    "NoSuchBucket": "Deploy again; if someone deleted the bucket, delete its stack first.",
    "OptInRequired": "Enable the Region or the service for the account.",
    "RequestLimitExceeded": "Wait and try again.",
    "ResourceInUseException": "Something else is changing it: wait and try again.",
    "Throttling": "Wait and try again.",
    "ThrottlingException": "Wait and try again.",
}

_NO_STACK: Final = re.compile(r"^Stack\b.* does not exist", re.DOTALL)
_STACK_GONE: Final = "Someone else has taken it away meanwhile: call the command again."


def client_factory(region: str, endpoint: str = "", *, first: str = "sts") -> Client:
    """Clients of one Region. endpoint: "" leaves it to the environment. first: is asked first."""
    import boto3  # noqa: PLC0415 - see worker_client
    from botocore.config import Config  # noqa: PLC0415

    with aws_errors("AWS"):
        session = boto3.Session(region_name=region or None)
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            with aws_errors(service):
                made[service] = session.client(
                    service,
                    endpoint_url=endpoint or None,
                    config=Config(**{"lambda": _ASKED, first: _FIRST}.get(service, _OPTIONS)),
                )
        return made[service]

    return client


def worker_client(service: str, options: Options | None = None) -> Any:
    """A client of a Lambda's worker, which has its Region and its role from the environment.

    botocore's own, the same that boto3 would give: boto3's modules around it, which are not used
    here, would make a start a tenth longer; and botocore itself is most of one (`make bench`).
    """
    with starting():
        from botocore.config import Config  # noqa: PLC0415
        from botocore.session import get_session  # noqa: PLC0415

        from dynaurora.adapters.models import Models  # noqa: PLC0415

        session = get_session()
        session.register_component("data_loader", Models())
        return session.create_client(service, config=Config(**(options or {})))


def database_token(host: str, port: int, user: str, *, region: str = "") -> str:
    """A password that IAM vouches for, for one connection within 15 minutes.

    Signed here, as `generate_db_auth_token` of boto3's ``rds`` does, whose client would take a
    cold start longer to make; nobody is asked, so it needs no way to AWS.
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html

    region: "" is the environment's.
    """
    from botocore.auth import SigV4QueryAuth  # noqa: PLC0415 - see worker_client
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415
    from botocore.session import get_session  # noqa: PLC0415

    session = get_session()
    with aws_errors("signing in to the database with IAM"):
        credentials = session.get_credentials()
        if credentials is None:
            raise botocore_errors.NoCredentialsError
        region = region or session.get_config_variable("region") or ""
        if not region:
            raise botocore_errors.NoRegionError
        where, what = f"https://{host}:{port}/", {"Action": "connect", "DBUser": user}
        request = AWSRequest("GET", where, params=what)
        frozen = credentials.get_frozen_credentials()
        SigV4QueryAuth(frozen, "rds-db", region, expires=900).add_auth(request)
    return str(request.url).removeprefix("https://")


@contextmanager
def aws_errors(where: str) -> Iterator[None]:
    """Say botocore's errors as ``AwsError``: where, what AWS answered, what to do."""
    try:
        yield
    except botocore_errors.ClientError as error:
        raise _refused(where, error) from error
    except (
        botocore_errors.NoCredentialsError,
        botocore_errors.PartialCredentialsError,
        botocore_errors.CredentialRetrievalError,
        botocore_errors.TokenRetrievalError,
        botocore_errors.SSOError,
    ) as error:
        raise AwsError(where, str(error), "credentials of an AWS account", _SIGN_IN) from error
    except botocore_errors.ProfileNotFound as error:
        raise AwsError(where, str(error), "a profile of ~/.aws", "Correct AWS_PROFILE.") from error
    except botocore_errors.NoRegionError as error:
        raise AwsError(
            where, "no Region is set", "a Region, as eu-west-1", "Set AWS_REGION or say --region."
        ) from error
    except (
        botocore_errors.ConnectionError,
        botocore_errors.HTTPClientError,
        botocore_errors.InvalidRegionError,
    ) as error:
        raise AwsAway(
            where,
            str(error),
            "an answer of AWS",
            "Look at the network, the Region and AWS_ENDPOINT_URL.",
        ) from error
    except botocore_errors.BotoCoreError as error:
        raise AwsError(where, str(error)) from error


def error_code(error: botocore_errors.ClientError) -> str:
    """The code of an answer, as ``ValidationError`` or ``404``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_message(error: botocore_errors.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def says_stack_gone(error: botocore_errors.ClientError) -> bool:
    """Whether there is no such stack; CloudFormation has no code of its own for it."""
    return error_code(error) == "ValidationError" and bool(_NO_STACK.search(error_message(error)))


def _refused(where: str, error: botocore_errors.ClientError) -> AwsError:
    code, message = error_code(error), error_message(error)
    found = f"{code}: {message}".removesuffix(": ").rstrip(".")
    if code in _IDENTITY_CODES:
        return AwsError(where, found, "credentials that AWS accepts", _SIGN_IN)
    if code in _DENIED_CODES:
        operation = getattr(error, "operation_name", "the operation")
        return AwsError(
            where,
            found,
            f"a permission for {operation}",
            "Grant it, or call with another role or profile.",
        )
    kind = AwsAway if _can_pass(error, code) else AwsError
    remedy = _STACK_GONE if says_stack_gone(error) else _REMEDIES.get(code, "")
    return kind(where, found, "", remedy)


def _can_pass(error: botocore_errors.ClientError, code: str) -> bool:
    """Whether the same call may succeed later: throttled, or a fault of the service.

    https://docs.aws.amazon.com/firehose/latest/APIReference/CommonErrors.html
    """
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or "Throttl" in code or code in _PASSING_CODES
