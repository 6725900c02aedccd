"""The three Lambdas: the real handler modules, each with clients of the simulated AWS."""

import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

from dynaurora.adapters.database import Database
from dynaurora.adapters.firehose import FirehoseStreams
from dynaurora.adapters.s3 import S3Objects
from dynaurora.plugins.folder import PluginFolder
from dynaurora.settings import DatabaseSettings
from simulation.engines import Control
from simulation.firehose import Firehose
from simulation.s3 import BACKUP, RAW, S3
from simulation.turns import Runner
from support.load import WatchedConnection

FOLDER: Final = Path(__file__).parents[2] / "lambda_functions"
CAPTURE: Final = "lambda_function_ddb_streams_processor"
TRANSFORM: Final = "lambda_function_ddb_streams_processor_kinesis_fh"
LOAD: Final = "lambda_function_s3_to_aurora"
TIME_MS: Final = 60_000
SHORT_MS: Final = 20_000

ALWAYS: Final = frozenset({"commit", "commit done", "archive", "delete"})
SOMETIMES: Final = 0.3

_ENVIRONMENT: Final = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "DYNAURORA_DATABASE_URL": "postgresql://localhost/none",
    "DYNAURORA_RAW_BUCKET": RAW,
    "DYNAURORA_BACKUP_BUCKET": BACKUP,
}
_numbers = count(1)


class Context:
    """What Lambda tells of an invocation; its time runs only while the code sleeps."""

    def __init__(self, time_ms: int = TIME_MS) -> None:
        self.left_ms = time_ms

    def get_remaining_time_in_millis(self) -> int:
        return int(self.left_ms)

    def sleep(self, seconds: float) -> None:
        self.left_ms -= seconds * 1000


def imported(name: str) -> ModuleType:
    """A handler module, as a new environment imports it."""
    with _environment():
        spec = spec_from_file_location(f"simulated_{next(_numbers)}", FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


class Streams:
    """The capture and the transform, which do not run beside themselves here."""

    def __init__(self) -> None:
        self._capture = imported(CAPTURE)
        self._transform = imported(TRANSFORM)

    def capture(self, records: Sequence[Mapping[str, Any]], firehose: Firehose, s3: S3) -> Any:
        """Invoke the capture."""
        context = Context()
        self._capture.STREAMS = FirehoseStreams(firehose)
        self._capture.BODIES = S3Objects(s3.client)
        self._capture.time = SimpleNamespace(sleep=context.sleep)
        return self._capture.lambda_handler({"Records": list(records)}, context)

    def transform(self, event: Mapping[str, Any]) -> Any:
        """Invoke the transform."""
        return self._transform.lambda_handler(event, Context())


class Loader:
    """An environment of the load: one invocation at a time, one connection.

    control: another connection to the server, to look at this one's session.
    """

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self.runner: Runner | None = None
        self.held_until_s = 0.0

    def begin(
        self,
        plugins: PluginFolder,
        s3: S3,
        control: Control,
        chance: random.Random,
    ) -> None:
        """A new environment: nothing is left of the one before. plugins: read once for all."""
        self._chance = chance
        self._control = control
        self._database = _WatchedDatabase(control, self._step)
        self._module.DATABASE = self._database
        self._module.STORE = S3Objects(partial(s3.client, self._step))
        self._module.PLUGINS = plugins
        self.runner = None

    def end(self) -> None:
        self._database.close()

    def invoke(self, event: Mapping[str, Any], time_ms: int) -> Runner:
        """Begin an invocation."""
        context = Context(time_ms)
        self._module.time = SimpleNamespace(sleep=context.sleep)
        work: Callable[[], Any] = lambda: self._module.lambda_handler(dict(event), context)  # noqa: E731
        self.runner = Runner(work, self._is_waiting, self.end_session)
        self.runner.start()
        return self.runner

    def end_session(self) -> None:
        """Its session ends, as after a failover or when its process is gone."""
        self._control.end_session(self._database.process)

    def _is_waiting(self) -> bool:
        return self._control.is_waiting(self._database.process)

    def _step(self, step: str) -> None:
        """Wait for the turn, always where much depends on it, elsewhere now and then: a turn costs
        more than most statements."""
        assert self.runner is not None
        if step in ALWAYS or self.runner.is_dead or self._chance.random() < SOMETIMES:
            self.runner.step(step)


class _WatchedDatabase(Database):
    """The database as the load connects to it, each step watched."""

    def __init__(self, control: Control, step: Callable[[str], None]) -> None:
        super().__init__(DatabaseSettings(url=control.url, secret_arn="", schema="dynaurora"))
        self._engine = control.engine
        self._step = step

    @property
    def process(self) -> int:
        """Of its session on the server."""
        connection = self._connection
        return self._engine.process(connection._connection) if connection else 0

    @contextmanager
    def session(self) -> Iterator[Any]:
        with super().session() as engine:
            watched = WatchedConnection(engine.connection, self._step, self._step_done)
            yield replace(engine, connection=watched)

    def _step_done(self, step: str) -> None:
        self._step(f"{step} done")


@contextmanager
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
