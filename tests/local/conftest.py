import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest


@pytest.fixture
def tmp_path(memory):
    """Each new server writes 40 MB."""
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder).resolve()


@pytest.fixture
def run():
    """Start a program that prints one line when it is ready; it leads a group of its own."""

    @contextmanager
    def started(code, *arguments, **options):
        command = [sys.executable, "-c", code, *map(str, arguments)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, process_group=0, **options
        ) as process:
            try:
                yield process, process.stdout.readline().strip()
            finally:
                process.send_signal(signal.SIGKILL)

    return started
