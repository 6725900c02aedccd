"""The documents are held true: every command, setting, type and file that they name is there."""

import re
from pathlib import Path

import click
import pytest

from dynaurora import cli
from dynaurora.deploy.keys import KEYS
from dynaurora.deploy.overrides import variable_of
from dynaurora.deploy.own import Own
from dynaurora.deploy.project import read_project
from dynaurora.errors import DynauroraError, ProjectError
from dynaurora.model.types import WORDS
from dynaurora.operations.bootstrap import RIGHTS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SOURCES = [*ROOT.glob("src/**/*.py"), *ROOT.glob("lambda_functions/*.py")]


def commands():
    context = click.Context(cli.group)
    return {name: cli.group.get_command(context, name) for name in cli.group.list_commands(context)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(document):
    links = re.findall(r"\]\((?!https?://)([^)#]+)", document.read_text())
    missing = [link for link in links if not (document.parent / link).exists()]
    assert missing == []


def test_every_command_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    assert [name for name in commands() if f"`dynaurora {name}" not in readme] == []


def test_the_readme_names_no_command_that_is_not_there():
    named = set(re.findall(r"(?<!from )dynaurora ([a-z]+)", (ROOT / "README.md").read_text()))
    assert named <= set(commands())


def test_every_setting_that_the_code_reads_is_documented():
    read = {
        name for source in SOURCES for name in re.findall(r"DYNAURORA_[A-Z_]+", source.read_text())
    }
    settings = (ROOT / "docs" / "settings.md").read_text()
    assert sorted(name for name in read if f"`{name}`" not in settings) == []


def test_every_documented_setting_is_read():
    documented = set(
        re.findall(r"`(DYNAURORA_[A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text())
    )
    code = "".join(source.read_text() for source in SOURCES)
    by_rule = {variable_of(key) for key in KEYS}
    assert sorted(name for name in documented - by_rule if name not in code) == []


def test_the_file_of_several_environments_says_what_its_words_say(tmp_path):
    (example,) = re.findall(
        "```toml\n(.*?)```", (ROOT / "docs" / "settings.md").read_text(), re.DOTALL
    )
    (tmp_path / "dynaurora.toml").write_text(example)
    (tmp_path / "sqlqueries").mkdir()
    with pytest.raises(ProjectError, match="project: is missing"):
        read_project(tmp_path, environment={})
    dev, prod = (read_project(tmp_path, chosen=name, environment={}) for name in ("dev", "prod"))
    assert (dev.name, prod.name) == ("shop-dev", "shop-prod")
    assert dev.own == Own()
    assert dev.is_private
    assert dev.network.subnets
    assert prod.own.network == {}
    assert prod.own.cluster["MaxCapacity"] == "16"
    assert prod.database.secret_arn == ""
    assert {one.alarms.email for one in (dev, prod)} == {"team@example.com"}


def test_the_files_of_a_network_of_ones_own_are_read_as_they_are(tmp_path):
    examples = re.findall(
        "```toml\n(.*?)```", (ROOT / "docs" / "network.md").read_text(), re.DOTALL
    )
    (tmp_path / "sqlqueries").mkdir()
    read = []
    for example in examples:
        (tmp_path / "dynaurora.toml").write_text(f'project = "shop"\n{example}')
        read.append(read_project(tmp_path, environment={}))
    of_ours, postgresql, mysql = read
    assert of_ours.own.aurora is not None
    assert postgresql.database.is_iam
    assert postgresql.database_resource
    assert mysql.database.secret_arn
    assert all(one.is_private and one.network.subnets for one in (postgresql, mysql))


def test_the_rights_that_are_granted_by_hand_are_those_that_bootstrap_grants():
    assert f"RIGHTS are `{RIGHTS}`" in (ROOT / "docs" / "deploy.md").read_text()


def test_every_column_type_is_documented():
    types = (ROOT / "docs" / "types.md").read_text()
    assert [word for word in WORDS if f"`{word}`" not in types] == []


def test_every_state_and_reason_is_in_operations_with_what_to_do():
    from typing import get_args

    from dynaurora.metadata import ParkedFor
    from dynaurora.metadata.gaps import GapKind
    from dynaurora.metadata.quarantine import QuarantineReason, QuarantineState

    operations = (ROOT / "docs" / "operations.md").read_text()
    kinds = (ParkedFor, GapKind, QuarantineReason, QuarantineState)
    words = [word for kind in kinds for word in get_args(kind) if word]
    assert [word for word in words if f"\n| `{word}` |" not in operations] == []


def test_every_command_of_an_operator_is_in_operations():
    operations = (ROOT / "docs" / "operations.md").read_text()
    named = ["status", "drop", "unpark"] + [
        f"{name} {below}"
        for name, command in commands().items()
        for below in getattr(command, "commands", {})
    ]
    assert [name for name in named if f"dynaurora {name}" not in operations] == []


def test_every_command_of_a_group_that_a_document_names_is_there():
    groups = {n: c.commands for n, c in commands().items() if hasattr(c, "commands")}
    pattern = rf"dynaurora ({'|'.join(groups)}) ([a-z]+)"
    named = {found for path in DOCUMENTS for found in re.findall(pattern, path.read_text())}
    assert {(group, below) for group, below in named if below not in groups[group]} == set()


def test_the_tree_of_errors_shows_every_error():
    import dynaurora.errors

    def below(error):
        return {error, *(found for sub in error.__subclasses__() for found in below(sub))}

    shown = dynaurora.errors.__doc__
    ours = {error for error in below(DynauroraError) if error.__module__ == "dynaurora.errors"}
    assert sorted(error.__name__ for error in ours if error.__name__ not in shown) == []


def test_the_makefile_offers_what_the_readme_and_contributing_name():
    named = set()
    for name in ("README.md", "CONTRIBUTING.md"):
        named |= set(re.findall(r"^make ([a-z]+)", (ROOT / name).read_text(), re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named <= targets


def test_every_test_that_a_document_names_is_there():
    tests = {
        name
        for path in (ROOT / "tests").glob("**/test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    named = {name for path in DOCUMENTS for name in re.findall(r"`(test_\w+)`", path.read_text())}
    assert named
    assert named - tests == set()


def test_every_history_has_a_line_under_the_hood():
    text = (ROOT / "docs" / "under-the-hood.md").read_text()
    assert re.findall(r"^\| (H\d+) \|", text, re.MULTILINE) == [f"H{n}" for n in range(1, 21)]
