"""What an engine is made of: a file of each kind, and its word in one list."""

import ast
from importlib import import_module
from pathlib import Path
from typing import get_args

import click
import pytest

import dynaurora
from dynaurora import cli
from dynaurora.plugins.statements import Statements, dialect_of, statements_of
from dynaurora.sql.dialect import Dialect
from dynaurora.sql.engines import ENGINES, Engine

SOURCES = Path(dynaurora.__file__).parent
THEIR_OWN = {f"{engine}.py" for engine in ENGINES} | {
    f"statements_{engine}.py" for engine in ENGINES
}
ONE_ENGINE_ALONE = {
    "elsewhere.py",  # what it does, only MySQL needs
}
OF_AURORA = {"deploy/own.py", "deploy/connections.py"}
"""The clusters that AWS offers, and how many connections each takes."""


def members(protocol):
    named = {*protocol.__annotations__, *vars(protocol)}
    return {name for name in named if not name.startswith("_")}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_is_three_files_of_its_name(engine):
    assert members(Dialect) <= set(dir(dialect_of(engine)))
    assert members(Statements) <= set(dir(statements_of(engine)))
    assert import_module(f"dynaurora.adapters.{engine}").connect
    assert dialect_of(engine).engine == engine


def test_every_command_that_asks_for_an_engine_knows_all_of_them():
    context = click.Context(cli.group)
    commands = [cli.group.get_command(context, name) for name in cli.group.list_commands(context)]
    options = [found for one in commands for found in one.params if found.name == "engine"]
    assert options
    assert {tuple(found.type.choices) for found in options} == {ENGINES}
    assert get_args(Engine) == ENGINES


def test_no_other_file_names_an_engine():
    """Whatever differs is asked of the dialect, so that another engine changes no code."""
    named = {
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        if path.name not in THEIR_OWN
        and any(
            isinstance(node, ast.Constant) and node.value in ENGINES
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    }
    servers = {path for path in named if path.startswith("local/")}  # which stand for an engine
    assert named - servers - ONE_ENGINE_ALONE - OF_AURORA == {"sql/engines.py"}
