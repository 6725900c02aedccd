"""docs/testing.md is true: its tests pass, and it names what a trial has."""

import re
from pathlib import Path

import pytest

from dynaurora.testing import Trial

TEXT = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
((TABLE, PLUGIN),) = re.findall(r"```python\n# sqlqueries/(\w+).py\n(.*?)```", TEXT, re.DOTALL)
((TESTS,),) = [re.findall(r"```python\n# tests/\w+.py\n(.*?)```", TEXT, re.DOTALL)]
NAMES = re.findall(r"^def (test_\w+)", TESTS, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_its_tests_pass(plugin, tmp_path, name):
    path = tmp_path / f"{TABLE}.py"
    path.write_text(PLUGIN)
    namespace = {}
    exec(TESTS, namespace)
    namespace[name](lambda _: plugin(path))


def test_it_names_all_that_a_trial_has():
    public = [name for name in vars(Trial) if not name.startswith("_") and name != "unseen"]
    assert len(NAMES) == 3
    assert [name for name in public if not re.search(rf"`(with trial\.)?{name}\b", TEXT)] == []
