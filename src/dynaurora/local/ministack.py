"""MiniStack in a folder: the local stand-in for AWS.

What it does and does not do as AWS does is in docs/local.md. Here it is only started and stopped.

Reached from this machine only
    Its root user's signature is not checked and some of its paths need no credentials at all, so
    it listens on 127.0.0.1 only, and its further listeners (MQTT, SFTP) stay off.

Its environment
    Every Lambda inherits the server's environment, so it gets none of ours: no AWS profile, no
    proxy, no PGPASSWORD. Its PATH begins with our interpreter, which so runs the Lambdas.

Kept state
    ``keep`` has it write its state when it is stopped (not when it is killed; objects in S3 are
    written at once) and read it at the next start. A kept folder prefers the port that it had, for
    who has noted its URL.
"""

import contextlib
import functools
import http.client
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dynaurora.errors import LocalServerError
from dynaurora.local.processes import Server, end, folder_of, listens, mark, serving, spawn, tail

HOST = "127.0.0.1"
PORT = 4566
ACCOUNT = "000000000000"
ACCESS_KEY = "test"
SECRET_KEY = "test"  # noqa: S105 - not checked, see above

START_PATIENCE_S = 60
STOP_PATIENCE_S = 60
ATTEMPTS = 5

INHERITED = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH")


class LocalAws:
    """One emulator of AWS. It can be stopped, killed and started again.

    folder: belongs to the server; it is made, and closed for everybody else.
    port: this one or none; without it, 4566 if it is free, else any.
    keep: whether the state is there again at the next start.
    """

    account = ACCOUNT
    access_key = ACCESS_KEY
    secret_key = SECRET_KEY

    def __init__(
        self,
        folder: Path,
        *,
        region: str = "us-east-1",
        port: int | None = None,
        keep: bool = False,
    ) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / "ministack.log"
        self.region = region
        self.keep = keep
        self._asked_port = port
        self._port: int | None = None
        self._server: Server | None = None
        self._begin = 0

    @property
    def port(self) -> int:
        if self._port is None:
            raise LocalServerError("MiniStack", "has no port before it is started")
        return self._port

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def is_running(self) -> bool:
        return self._server is not None and self._server.poll() is None

    @functools.cached_property
    def _session(self) -> Any:
        import boto3  # noqa: PLC0415 - takes longer than many a command
        import botocore.session  # noqa: PLC0415

        unread = {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}
        variables = {name: (None, None, value, None) for name, value in unread.items()}
        return boto3.Session(
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name=self.region,
            botocore_session=botocore.session.Session(session_vars=variables),
        )

    def session(self) -> Any:
        """A boto3 session that reads neither the machine's profiles nor its credentials."""
        return self._session

    def client(self, service: str) -> Any:
        """A client of one service. It gives up early: the server is on this machine."""
        from botocore.config import Config  # noqa: PLC0415

        config = Config(
            connect_timeout=2,
            read_timeout=60,  # a Lambda is waited for
            retries={"mode": "standard", "total_max_attempts": 2},
            proxies={},
        )
        return self.session().client(service, endpoint_url=self.endpoint_url, config=config)

    def begin(self) -> None:
        """Start the server; ``start`` waits for it. What a killed run left is stopped before."""
        if self.is_running:
            return
        folder_of("ministack")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self.stop()
        self._begin_streams_anew()
        self._spawn()

    def start(self) -> None:
        """Start the server, unless that was begun, and wait until it answers."""
        try:
            self.begin()
            self._wait()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Stop the server; a kept state is written.

        That waits for the Lambdas that are at work, which can take long; what is thrown away does
        not have to.
        """
        if self.keep:
            self._end(signal.SIGTERM, STOP_PATIENCE_S)
        else:
            self.kill()

    def kill(self) -> None:
        """End the server and its Lambdas at once. Kept state is lost, except objects in S3."""
        self._end(signal.SIGKILL, 0)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _temporary(self) -> Path:
        """It unpacks Lambdas here, and leaves them."""
        return self.folder / "tmp"

    @property
    def _port_file(self) -> Path:
        return self.folder / "port"

    def _begin_streams_anew(self) -> None:
        """Of streams it keeps how many records were read, and not the records: without this, it
        would skip as many new ones (`ministack.services.dynamodb`, `get_state`)."""
        state = self.folder / "state" / "lambda.json"
        if not state.is_file():
            return
        kept = json.loads(state.read_bytes())
        with contextlib.suppress(KeyError):
            kept["payload"]["dynamodb_stream_positions"]["data"].clear()
            state.write_text(json.dumps(kept))

    def _move_state(self) -> None:
        """A kept queue is known by its URL, which names the port that it was made on."""
        kept = self._kept_port()
        if kept is not None and kept != self.port:
            old, new = f"http://{HOST}:{kept}/", f"{self.endpoint_url}/"
            for path in (self.folder / "state").glob("*.json"):
                path.write_text(path.read_text().replace(old, new))
        self._port_file.write_text(f"{self.port}\n")

    def _wait(self) -> None:
        """Another program can take a port after it was found free; then another one is tried."""
        tried: set[int] = set()
        while not self._answers():
            tried.add(self.port)
            if self._asked_port is not None or "in use" not in tail(self.log, self._begin):
                raise self._did_not_start("it ended early")
            if len(tried) == ATTEMPTS:
                raise self._did_not_start(f"{ATTEMPTS} ports were taken at the last moment")
            self._spawn(tried)

    def _spawn(self, tried: Collection[int] = ()) -> None:
        self._port = self._free_port(tried)
        self._move_state()
        self._begin = self.log.stat().st_size if self.log.exists() else 0
        self._temporary.mkdir(mode=0o700, exist_ok=True)
        self._server = spawn(
            [sys.executable, "-P", "-X", mark(self.folder), "-m", "ministack"],
            folder=self.folder,
            environment=self._environment(),
            log=self.log,
        )

    def _answers(self) -> bool:
        """Wait until it answers; False if it ends before it does."""
        deadline = time.monotonic() + START_PATIENCE_S
        while self.is_running:
            if listens(self._server, self.port) and self._is_healthy():
                return True
            if time.monotonic() > deadline:
                raise self._did_not_start(f"within {START_PATIENCE_S} s")
            time.sleep(0.02)
        return False

    def _free_port(self, tried: Collection[int]) -> int:
        if self._asked_port is not None:
            if (port := _bindable(self._asked_port)) is not None:
                return port
            raise LocalServerError(
                f"port {self._asked_port} of {HOST}",
                "is in use",
                "a free port",
                "Stop who listens there, or choose no port: a free one is found.",
            )
        wishes = (self._port, self._kept_port(), PORT, 0)
        ports = (_bindable(wish) for wish in wishes if wish is not None and wish not in tried)
        port = next((port for port in ports if port is not None), None)
        if port is None:
            raise self._did_not_start("this machine has no free port")
        return port

    def _kept_port(self) -> int | None:
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(self._port_file.read_text())
        return None

    def _environment(self) -> dict[str, str]:
        programs = str(Path(sys.executable).parent)
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment |= {
            "PATH": os.pathsep.join((programs, os.environ.get("PATH", os.defpath))),
            "TZ": "UTC",  # as in AWS Lambda
            "TMPDIR": str(self._temporary),
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,  # `localhost` may be ::1, where nobody listens
            "MINISTACK_REGION": self.region,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "AUTH": "true",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            "LOG_LEVEL": "WARNING",
            # At its start it removes the containers that it takes for its own: it finds no Docker.
            "DOCKER_HOST": f"unix://{self._temporary / 'no-docker'}",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        if self.keep:
            environment |= {
                "PERSIST_STATE": "1",
                "STATE_DIR": str(self.folder / "state"),
                "S3_PERSIST": "1",
                "S3_DATA_DIR": str(self.folder / "s3"),
            }
        return environment

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _did_not_start(self, found: str) -> LocalServerError:
        return LocalServerError(
            f"MiniStack in {self.folder}",
            f"did not start, {found}",
            "",
            "To begin anew, remove the folder. "
            f"The end of the log {self.log}:\n{tail(self.log, self._begin)}",
        )

    def _end(self, asking: signal.Signals, patience_s: float) -> None:
        end(self._server, serving(self.folder, self._temporary), asking, patience_s)
        self._server = None
        shutil.rmtree(self._temporary, ignore_errors=True)


def _bindable(port: int) -> int | None:
    """The port if a server could listen on it now; for 0 any that is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def start(
    folder: Path, *, region: str = "us-east-1", port: int | None = None, keep: bool = False
) -> LocalAws:
    """A server in ``folder`` that answers."""
    server = LocalAws(folder, region=region, port=port, keep=keep)
    server.start()
    return server
