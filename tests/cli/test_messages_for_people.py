"""What the parts of the pipeline say when a person runs them: lines, no JSON."""

import subprocess
import sys

SAYS = """
from dynaurora.log import log, log_to_stderr
log_to_stderr()
log("info", "an SQL table was altered", table="Shop.Orders", statements=["alter table\\n  a", "b"])
log("warning", "slow", seconds=3)
"""


def test_a_program_tells_its_log_as_lines_on_stderr():
    ended = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, check=True, text=True)
    assert ended.stdout == ""
    assert ended.stderr.splitlines() == [
        "Shop.Orders: an SQL table was altered; statements: alter table a, b",
        "slow; seconds: 3",
    ]
