"""Bytecode in the zips: of the Lambdas' Python, or none."""

import io
import os
import sys
import zipfile
from pathlib import Path

import pytest

from dynaurora.deploy.bytecode import Compiler, compiler_for
from dynaurora.deploy.packaging import Package, Sources, load_package

HERE = sys.version_info[:2]
TAG = f"cpython-{HERE[0]}{HERE[1]}"


@pytest.fixture
def compiler():
    return compiler_for(HERE)


@pytest.fixture
def other_python(tmp_path, monkeypatch):
    """Write a program that is called as Python 3.99, and alone is found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    program = tmp_path / "python3.99"

    def write(text):
        program.write_text(text)
        program.chmod(0o755)
        return str(program)

    return write


def test_this_python_makes_it_for_its_own_version(compiler):
    assert compiler == Compiler(sys.executable, TAG)


def test_another_version_is_made_by_the_python_that_is_installed_beside_it(other_python):
    python = other_python("#!/bin/sh\necho cpython-399\n")
    assert compiler_for((3, 99)) == Compiler(python, "cpython-399")


@pytest.mark.parametrize(
    "program",
    ["#!/bin/sh\necho cpython-398\n", "#!/bin/sh\nexit 127\n", "#!/nowhere/to/be/found\n"],
)
def test_what_is_only_called_as_that_version_makes_none(other_python, program):
    other_python(program)
    assert compiler_for((3, 99)) is None


def test_a_version_that_is_not_installed_has_none(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert compiler_for((3, 99)) is None


def test_a_file_that_cannot_be_compiled_has_none_and_the_others_have(compiler):
    made = compiler.compiled({"a.py": b"x = 1\n", "deep/b.py": b"x = (\n", "deep/c.py": b""})
    assert made.keys() == {f"__pycache__/a.{TAG}.pyc", f"deep/__pycache__/c.{TAG}.pyc"}


def test_neither_the_order_of_the_files_nor_a_variable_matters(compiler, monkeypatch):
    sources = {"a.py": b"x = {'a', 'b'} | {1}\n", "b.py": b"def f(a=frozenset('xy')): ...\n"}
    before = compiler.compiled(sources)
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", os.devnull)
    assert compiler.compiled(dict(reversed(sources.items()))) == before


def test_whose_bytecode_a_zip_holds_is_in_its_key(compiler):
    files = {"a.py": b"x = 1\n"}
    assert Package("load", files).key != Package("load", files, compiler).key


def test_each_module_has_its_bytecode_and_no_plugin_has(project_folder):
    plugins = project_folder / "plugins"
    plugins.mkdir()
    (plugins / "orders.py").write_text("key = 'id'\n")
    handlers, cache = project_folder / "lambda_functions", project_folder / "cache"
    package = load_package(Sources(handlers, cache, plugins=plugins))
    with zipfile.ZipFile(io.BytesIO(package.zipped())) as archive:
        names = archive.namelist()
    of = {source_of(name) for name in names if name.endswith(".pyc")}
    modules = {name for name in names if name.endswith(".py")}
    assert modules - of == {"sqlqueries/orders.py"}
    assert {"dynaurora/etl.py", "psycopg/__init__.py", "pymysql/connections.py"} <= of


def source_of(path):
    place = Path(path)
    name = place.name.removesuffix(f".{TAG}.pyc")
    return (place.parent.parent / f"{name}.py").as_posix()
