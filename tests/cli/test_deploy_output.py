"""The steps of a deployment, as a terminal shows them."""

import re
from io import StringIO

import pytest

from dynaurora.adapters.cloudformation import StackChange, StackOutcome
from dynaurora.cli.deploy_progress import progress_view

STYLED = re.compile(r"\x1b\[[\d;]*m")


class Terminal(StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("no_color", "is_styled"), [("", True), ("1", False)])
def test_the_steps_are_styled_unless_no_color_is_set(monkeypatch, no_color, is_styled):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    with progress_view() as view:
        view.tell(StackOutcome("shop-pipeline", StackChange.UNCHANGED))
    assert "shop-pipeline" in terminal.getvalue()
    assert bool(STYLED.search(terminal.getvalue())) == is_styled
