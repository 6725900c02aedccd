"""The processes of the local servers: how they begin, which are ours, how they end.

A server works *in* its folder: that is its current folder. So the servers that a killed run left
are found again by the folder in which they work, together with their children, and nothing has to
be remembered that could be out of date. A process id in a file could by now be anybody's.
"""

import contextlib
import importlib.util
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from dynaurora.errors import LocalServerError


def not_installed(package: str) -> LocalServerError:
    return LocalServerError(
        package,
        "is not installed",
        "the extra `local`",
        "Say pip install 'dynaurora[local]'.",
    )


try:
    import psutil  # type: ignore[import-untyped]
except ModuleNotFoundError as error:
    raise not_installed("psutil") from error

Server = subprocess.Popen[bytes]

LOG_SIZE_BYTES = 10_000_000
"""A log that is larger when a server starts is begun anew."""


def folder_of(package: str) -> Path:
    """Where a package is installed; it is not imported."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise not_installed(package)
    return Path(found.submodule_search_locations[0])


def spawn(
    command: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    user: int | None = None,
) -> Server:
    """Start a program that works in ``folder``, writes to ``log`` and runs as ``user``.

    It has a session of its own: a Ctrl-C in the terminal goes to every process of the terminal's
    foreground group, and the servers must stay until they are stopped in order.
    """
    with log.open("ab") as output:
        if output.tell() > LOG_SIZE_BYTES:
            output.truncate(0)
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )


def working_in(folder: Path, *programs: str, argument: str = "") -> list[psutil.Process]:
    """The processes of these programs that work in ``folder`` or below it.

    programs: how the names of the processes begin.
    argument: what one of its arguments contains.
    """
    folder = folder.resolve()
    return [
        process
        for process in psutil.process_iter(["name"])
        if (process.info["name"] or "").lower().startswith(programs)
        and _works_in(process, folder, argument)
    ]


def _works_in(process: psutil.Process, folder: Path, argument: str) -> bool:
    try:
        current = process.cwd()
        arguments = process.cmdline()[1:]
    except psutil.Error:  # it has ended, or it is another user's and so not ours
        return False
    return Path(current).is_relative_to(folder) and (
        not argument or any(argument in text for text in arguments)
    )


def end(
    server: Server | None,
    others: Iterable[psutil.Process],
    asking: signal.Signals,
    patience_s: float,
) -> None:
    """Ask a server and other processes to end, and make those end that do not in time.

    Asked are those that no other of them has started: what these started, they end themselves.
    """
    processes = set(others)
    if server is not None and server.poll() is None:
        processes.add(psutil.Process(server.pid))
    ids = {process.pid for process in processes}
    _send((process for process in processes if _parent(process) not in ids), asking)
    left = _outlasting(processes, patience_s)
    _send(left, signal.SIGKILL)
    if left := _outlasting(left, 10):
        names = ", ".join(str(process.pid) for process in left)
        raise LocalServerError(f"process {names}", "does not end, even when it is killed")
    if server is not None:
        server.wait()


def _parent(process: psutil.Process) -> int | None:
    try:
        return int(process.ppid())
    except psutil.Error:
        return None


def _send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):  # it has ended
            process.send_signal(number)


def _outlasting(processes: Iterable[psutil.Process], patience_s: float) -> list[psutil.Process]:
    deadline = time.monotonic() + patience_s
    while left := [process for process in processes if _is_alive(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return left


def _is_alive(process: psutil.Process) -> bool:
    """Whether it still works. One whose parent did not ask for its status never goes away."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def listens(server: Server | None, port: int) -> bool:
    """Whether this server, not another program, is who answers on the port."""
    if server is None:
        return False
    try:
        connections = psutil.Process(server.pid).net_connections(kind="tcp")
    except psutil.Error:
        return False
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        for connection in connections
    )


def tail(log: Path, begin: int = 0, lines: int = 15) -> str:
    """The last lines that a server wrote since its log was ``begin`` bytes long."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(begin if begin <= size else 0)
        text = file.read().decode(errors="replace")
    return "\n".join(text.strip().splitlines()[-lines:])
