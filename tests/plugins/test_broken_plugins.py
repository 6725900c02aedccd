"""Plugins that break a rule: what is said of each, with its place."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parent / "broken_plugins.txt").read_text()
CASES = re.findall(r"^## (.+)\n((?:(?!=> |## ).*\n)+)((?:=> .*\n)+)", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("rule", "text", "said"), CASES, ids=[rule for rule, _, _ in CASES])
def test_a_plugin_that_breaks_a_rule_is_told_with_its_place(folder, rule, text, said):
    engine = "mysql" if rule.startswith("mysql: ") else "postgresql"
    found = folder.problems(text, engine=engine)
    assert found == [line.removeprefix("=> ") for line in said.splitlines()]


def test_every_case_is_read():
    assert len(CASES) == TEXT.count("\n## ")
