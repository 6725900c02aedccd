"""What botocore reads of a service before it makes a client: found and parsed faster.

Its own loader looks through the folders of some 400 services for the one that is asked for, twice,
and parses with hooks: together more than half of the time that a client takes to be made, which
each cold start pays. The interface is the documented one of `botocore.loaders`.
https://docs.aws.amazon.com/boto3/latest/guide/loaders.html
"""

import gzip
from typing import Any, Final

import orjson
from botocore.loaders import JSONFileLoader, Loader

SERVICES: Final = ("firehose", "s3", "secretsmanager")
"""Those that the Lambdas call."""


class _Files(JSONFileLoader):  # type: ignore[misc]  # botocore has no types
    """Files of JSON, which may be packed."""

    def load_file(self, file_path: str) -> Any:
        for ending, unpacked in ((".json.gz", gzip.decompress), (".json", bytes)):
            try:
                with open(file_path + ending, "rb") as file:  # noqa: PTH123 - paths are botocore's
                    return orjson.loads(unpacked(file.read()))
            except FileNotFoundError:
                continue
        return None


class Models(Loader):  # type: ignore[misc]  # botocore has no types
    """botocore's models; of the services that a worker calls, whose folders are known."""

    FILE_LOADER_CLASS = _Files

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - botocore's
        return list(SERVICES)
