"""Both servers in one folder: what `dynaurora dev` and `dynaurora demo` run on.

    <folder>/lock          who uses the folder
    <folder>/postgresql/   the database; or
    <folder>/mariadb/      the same, of the engine mysql
    <folder>/ministack/    the emulator of AWS

No signal is handled here: who uses the machine leaves its ``with`` block, however that comes about
(SIGTERM ends Python at once unless the caller turns it into an exception).
"""

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Self

from dynaurora.errors import LocalServerError
from dynaurora.local import folders
from dynaurora.local.databases import PRODUCTS, LocalDatabase, engine_in, in_folder
from dynaurora.local.ministack import LocalAws
from dynaurora.sql.engines import DEFAULT, Engine


class LocalMachine:
    """A database and an AWS; ``with LocalMachine(data) as machine: …``.

    data: the folder to keep; None for a temporary one.
    engine: of the database. A folder that is kept stays with the engine that it began with; None
        takes that one, PostgreSQL in a new folder.
    port: of AWS, see LocalAws.
    """

    folder: Path
    engine: Engine
    database: LocalDatabase
    aws: LocalAws

    def __init__(
        self,
        data: Path | None = None,
        *,
        engine: Engine | None = None,
        region: str = "us-east-1",
        port: int | None = None,
    ) -> None:
        self._data = data
        self._asked = engine
        self._region = region
        self._port = port
        self._stack = contextlib.ExitStack()

    @property
    def database_name(self) -> str:
        """The server that stands for Aurora, as people know it."""
        return PRODUCTS[self.engine].name

    def environment(self) -> dict[str, str]:
        """What a program is told to work on this machine: the variables of AWS, and ours.

        The emulator ignores the report of failed changes, so the capture has to raise.
        """
        return {
            "AWS_ENDPOINT_URL": self.aws.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.aws.access_key,
            "AWS_SECRET_ACCESS_KEY": self.aws.secret_key,
            "AWS_DEFAULT_REGION": self.aws.region,
            "DYNAURORA_DATABASE_URL": self.database.url,
            "DYNAURORA_STREAM_FAILURES": "raise",
        }

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self.folder = stack.enter_context(
                folders.temporary() if self._data is None else folders.kept(self._data)
            )
            self.engine = _engine(self.folder, self._asked)
            self.database = in_folder(self.folder, self.engine)
            self.aws = LocalAws(
                self.folder / folders.MINISTACK,
                region=self._region,
                port=self._port,
                keep=self._data is not None,
            )
            # The last is stopped first: a Lambda does not lose its database while it works.
            stack.callback(self.database.stop)
            stack.callback(self.aws.stop)
            self.aws.begin()  # it starts while the database does
            self.database.start()
            self.aws.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stack.close()


def _engine(folder: Path, asked: Engine | None) -> Engine:
    """The engine of a folder; raises ``LocalServerError`` where another is asked for."""
    found = engine_in(folder)
    if found is None:
        return asked or DEFAULT
    if asked in (None, found):
        return found
    raise LocalServerError(
        str(folder),
        f"holds the data of {PRODUCTS[found].name}",
        f"an empty folder, or one with the data of {PRODUCTS[asked].name}",
        f"Choose another folder, or say --engine {found}.",
    )
