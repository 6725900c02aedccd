"""Run `dynaurora` as a person does: as a program of its own, with signals and exit codes."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from dynaurora.cli import main; main()"]
PATIENCE_S = 60


class Program:
    """A running `dynaurora`; its output is collected line by line.

    folder: where its temporary files go, so that what it leaves there is its own.
    """

    def __init__(self, *arguments, folder, **environment):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DYNAURORA_"))}
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            cwd=ROOT,
            env=kept | {"TMPDIR": str(folder)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        self.folder = folder
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.process.stdout.close()
        self.process.stderr.close()

    def _read(self, stream, lines):
        for text in stream:
            lines.append(text)

    @property
    def text(self):
        return "".join([*self.out, *self.err])

    def wait_for(self, pattern, *, since=0):
        """Wait until a line of stdout matches; the match."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            for text in self.out[since:]:
                if found := re.search(pattern, text):
                    return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} in\n{self.text}")

    def variables(self):
        """What it says to export."""
        found = (re.match(r"\s+export (\w+)='?([^']*?)'?\s*$", text) for text in self.out)
        return {match[1]: match[2] for match in found if match}

    def stop(self, number=signal.SIGINT):
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self, patience_s=PATIENCE_S):
        """The exit code, when it and its output have ended."""
        try:
            code = self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"it does not end\n{self.text}") from None
        for reader in self._readers:
            reader.join(5)
        return code

    def left(self):
        """Processes that work in its folder, or came from it."""
        return [
            process.info["cmdline"]
            for process in psutil.process_iter(["cmdline"])
            if any(str(self.folder) in text for text in process.info["cmdline"] or ())
        ]
