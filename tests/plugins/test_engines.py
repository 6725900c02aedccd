"""What an engine is made of: a file of each kind, and its word in one list."""

from importlib import import_module
from typing import get_args

import click
import pytest

from dynaurora import cli
from dynaurora.plugins.statements import Statements, dialect_of, statements_of
from dynaurora.sql.dialect import Dialect
from dynaurora.sql.engines import ENGINES, Engine


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
