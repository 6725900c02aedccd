"""The real handler modules, imported as Lambda imports them: with their environment set."""

from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "lambda_functions"
CAPTURE = "lambda_function_ddb_streams_processor"
TRANSFORM = "lambda_function_ddb_streams_processor_kinesis_fh"
LOAD = "lambda_function_s3_to_aurora"

_numbers = count(1)


class Context:
    """What Lambda tells a handler of its invocation."""

    def __init__(self, remaining_ms=60_000):
        self._remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self):
        return self._remaining_ms


def environment_of(aws):
    """What an SDK needs in order to find the emulator."""
    return {
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_REGION": aws.region,
        "AWS_DEFAULT_REGION": aws.region,
        "AWS_ACCESS_KEY_ID": aws.access_key,
        "AWS_SECRET_ACCESS_KEY": aws.secret_key,
    }


def imported(name, monkeypatch, **environment):
    """A handler module of its own, as in a new worker."""
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    spec = spec_from_file_location(f"{name}_{next(_numbers)}", FOLDER / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
