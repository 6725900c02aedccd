"""The zips: the same bytes for the same input, and everything that a handler imports."""

import importlib.metadata
import io
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import dynaurora
from dynaurora.deploy import packaging
from dynaurora.deploy.packaging import (
    CAPTURE,
    LARGEST_BYTES,
    LOAD,
    NOT_IN_LAMBDAS,
    TRANSFORM,
    Package,
    Sources,
    lambda_modules,
    load_package,
    reached_modules,
    streams_package,
)
from dynaurora.deploy.wheels import Platform
from dynaurora.errors import ProjectError

ROOT = Path(__file__).parents[2]
HANDLERS = ROOT / "lambda_functions"
PACKAGE = Path(dynaurora.__file__).parent

BOTO3 = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
"""What the Lambda runtime brings: boto3 and what it needs."""


@pytest.fixture
def sources(project_folder):
    return Sources(project_folder / "lambda_functions", project_folder / "cache")


def unzipped(package, folder):
    with zipfile.ZipFile(io.BytesIO(package.zipped())) as archive:
        archive.extractall(folder)
    return folder


# --- reproducible -------------------------------------------------------------------------------


def test_the_same_input_gives_the_same_bytes(sources):
    first, second = load_package(sources), load_package(sources)
    assert first.key == second.key
    assert first.zipped() == second.zipped()


def test_neither_the_time_nor_the_order_of_the_files_matters(sources):
    before = load_package(sources)
    os.utime(sources.lambda_functions / LOAD, (1, 1))
    after = load_package(sources)
    shuffled = replace(after, files=dict(reversed(after.files.items())))
    assert (shuffled.key, shuffled.zipped()) == (before.key, before.zipped())


def test_neither_the_folder_nor_the_umask_matters(sources, tmp_path):
    """Copied by another user into another folder, the last file first."""
    before = os.umask(0o077)
    try:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        for path in sorted(sources.lambda_functions.iterdir(), reverse=True):
            shutil.copyfile(path, elsewhere / path.name)
        there = load_package(Sources(elsewhere, tmp_path / "other cache"))
    finally:
        os.umask(before)
    here = load_package(sources)
    assert (there.key, there.zipped()) == (here.key, here.zipped())


def test_another_byte_gives_another_key(sources):
    before = load_package(sources)
    (sources.lambda_functions / LOAD).write_text("def lambda_handler(event, context): ...\n")
    assert load_package(sources).key != before.key


def test_paths_and_bytes_cannot_be_confused():
    assert Package("a", {"ab": b"c"}).digest != Package("a", {"a": b"bc"}).digest


def test_the_code_can_be_read_by_the_user_that_lambda_runs_it_as(sources):
    with zipfile.ZipFile(io.BytesIO(load_package(sources).zipped())) as archive:
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


# --- what is in them ----------------------------------------------------------------------------


def test_the_streams_zip_holds_what_the_handlers_reach(sources):
    (sources.lambda_functions / CAPTURE).write_text("from dynaurora.model import names\n")
    files = streams_package(sources).files
    assert {"dynaurora/__init__.py", "dynaurora/model/names.py"} <= files.keys()
    assert not files.keys() & {"dynaurora/capture.py", "dynaurora/settings.py"}
    assert {CAPTURE, TRANSFORM} <= set(files)
    assert LOAD not in files


def test_late_and_relative_imports_are_reached(tmp_path):
    package = tmp_path / "pack"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "deep" / "__init__.py").write_text("from . import one\n")
    (package / "deep" / "one.py").write_text("def f():\n    from ..top import name\n")
    (package / "top.py").write_text("import os\n")
    (package / "unused.py").write_text("")
    root = tmp_path / "handler.py"
    root.write_text("import pack.deep\n")
    reached = {path.relative_to(package).as_posix() for path in reached_modules([root], package)}
    assert reached == {"__init__.py", "deep/__init__.py", "deep/one.py", "top.py"}


def test_the_load_zip_holds_no_operators_tools():
    ours = {path.relative_to(PACKAGE).parts[0] for path in lambda_modules(PACKAGE)}
    assert {"adapters", "model", "plugins", "sql", "errors.py", "settings.py"} <= ours
    assert not ours & NOT_IN_LAMBDAS


@pytest.mark.parametrize("make", [streams_package, load_package])
def test_a_zip_is_small_and_without_boto3_or_compiled_files(make, sources):
    package = make(sources)
    assert package.size_bytes < LARGEST_BYTES
    tops = {path.split("/")[0] for path in package.files}
    assert not tops & {"boto3", "botocore", "s3transfer", "bin", "..", "rich", "click"}
    assert not any(path.endswith(".pyc") for path in package.files)


@pytest.mark.parametrize("make", [streams_package, load_package])
def test_a_zip_stays_under_30_megabytes(make, tmp_path):
    assert len(make(Sources(HANDLERS, tmp_path)).zipped()) < 30_000_000


def test_the_load_zip_has_the_driver_of_each_engine(sources):
    tops = {path.split("/")[0] for path in load_package(sources).files}
    assert {"psycopg", "pymysql"} <= tops


def test_plugins_travel_only_where_they_are_asked_for(sources, tmp_path):
    plugins = tmp_path / "sqlqueries"
    (plugins / "deep" / "__pycache__").mkdir(parents=True)
    (plugins / "orders.py").write_text("key = 'id'\n")
    (plugins / "deep" / "lines.sql").write_text("select 1\n")
    (plugins / "deep" / "__pycache__" / "orders.pyc").write_bytes(b"")
    (plugins / ".hidden").write_text("")
    here = Sources(sources.lambda_functions, sources.cache)
    away = Sources(sources.lambda_functions, sources.cache, plugins=plugins)
    assert not any(path.startswith("sqlqueries/") for path in load_package(here).files)
    added = load_package(away).files.keys() - load_package(here).files.keys()
    assert added == {"sqlqueries/orders.py", "sqlqueries/deep/lines.sql"}
    assert streams_package(here).key == streams_package(away).key


def test_too_large_a_zip_is_refused_with_what_is_large(sources, tmp_path, monkeypatch):
    monkeypatch.setattr(packaging, "LARGEST_BYTES", 1000)
    with pytest.raises(ProjectError, match=r"load\.zip: has .* most in psycopg"):
        load_package(sources)


def test_a_missing_handler_is_named(sources):
    (sources.lambda_functions / LOAD).unlink()
    with pytest.raises(ProjectError, match=LOAD):
        load_package(sources)


def test_a_file_that_is_no_python_is_named(sources):
    (sources.lambda_functions / CAPTURE).write_text("def (\n")
    with pytest.raises(ProjectError, match=rf"{CAPTURE}:1"):
        streams_package(sources)


# --- the handlers themselves --------------------------------------------------------------------


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """A folder as the Lambda runtime has it: boto3 and what it needs, nothing else."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in BOTO3:
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files} - {"..", "bin"}:
            (folder / top).symlink_to(distribution.locate_file(top))
    return folder


@pytest.mark.parametrize(
    ("make", "handler"),
    [(streams_package, CAPTURE), (streams_package, TRANSFORM), (load_package, LOAD)],
)
def test_a_handler_is_imported_from_its_zip_alone(make, handler, runtime, tmp_path):
    """With every module that it reaches, because some are imported when they are needed."""
    code = unzipped(make(Sources(HANDLERS, tmp_path / "cache")), tmp_path / "code")
    names = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted(reached_modules([HANDLERS / handler], PACKAGE))
    ]
    run_alone(
        "import importlib\n"
        f"handler = importlib.import_module({Path(handler).stem!r})\n"
        "assert callable(handler.lambda_handler)\n"
        f"found = [importlib.import_module(name).__file__ for name in {names}]\n"
        f"assert all(path.startswith({str(code)!r}) for path in found), found\n",
        code,
        runtime,
    )


@pytest.mark.each_engine
def test_the_load_reaches_its_database_from_the_zip_alone(server, runtime, tmp_path):
    """Its driver, its dialect and its statements are imported when the URL names the engine."""
    code = unzipped(load_package(Sources(HANDLERS, tmp_path / "cache")), tmp_path / "code")
    run_alone(
        "from dynaurora.adapters.database import Database\n"
        "from dynaurora.metadata import Metadata\n"
        "from dynaurora.settings import DatabaseSettings\n"
        "database = Database(DatabaseSettings.from_environment())\n"
        "with database.session() as engine:\n"
        "    metadata = Metadata(engine.connection, engine.queries)\n"
        "    metadata.create()\n"
        "    assert metadata.registration('orders').table == 'orders'\n"
        "database.close()\n",
        code,
        runtime,
        server.url,
    )


COMPILED = """
import importlib
from importlib.machinery import SourceFileLoader

compiled = []
make = SourceFileLoader.source_to_code

def source_to_code(loader, data, path, **options):
    compiled.append(path)
    return make(loader, data, path, **options)

SourceFileLoader.source_to_code = source_to_code
"""


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_a_start_of_the_load_compiles_nothing_that_is_in_its_zip(engine, runtime, tmp_path):
    """Whatever the times of the files are: the bytecode is not compared with them."""
    code = unzipped(load_package(Sources(HANDLERS, tmp_path / "cache")), tmp_path / "code")
    run_alone(
        f"{COMPILED}\n"
        f"load = importlib.import_module({Path(LOAD).stem!r})\n"
        "load.STORE._client\n"
        "from dynaurora.adapters.database import adapter_of\n"
        f"adapter_of({engine!r})\n"
        f"assert not [path for path in compiled if path.startswith({str(code)!r})], compiled\n",
        code,
        runtime,
    )


def test_bytecode_of_another_python_is_not_taken(runtime, tmp_path):
    code = unzipped(load_package(Sources(HANDLERS, tmp_path / "cache")), tmp_path / "code")
    for path in code.rglob("*.pyc"):
        path.write_bytes(b"\0\0\0\0" + path.read_bytes()[4:])
    handler = f"importlib.import_module({Path(LOAD).stem!r})"
    expected = f"{code}/{LOAD}"
    run_alone(f"{COMPILED}\n{handler}\nassert {expected!r} in compiled\n", code, runtime)


def run_alone(program, code, runtime, url="postgresql://127.0.0.1/none"):
    """Run a program that finds what is in a zip and in the runtime, and nothing else."""
    outcome = subprocess.run(
        [
            *(sys.executable, "-I", "-S", "-B", "-c"),
            f"import sys\nsys.path += {[str(code), str(runtime)]}\n{program}",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=code,
        env={
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "DYNAURORA_DATABASE_URL": url,
            "DYNAURORA_RAW_BUCKET": "raw",
            "DYNAURORA_BACKUP_BUCKET": "backup",
        },
    )
    assert outcome.returncode == 0, outcome.stderr


# --- wheels of another platform -----------------------------------------------------------------


def test_the_wheels_of_a_platform_are_those_its_runtime_can_load():
    assert Platform("3.13", "arm64").wheel_tags == (
        "manylinux_2_28_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
    )
    assert Platform("3.11", "x86_64").wheel_tags == (
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
    )


@pytest.fixture
def fetched(monkeypatch):
    """Record what pip is asked for, and leave a wheel's files as it would."""
    asked = []
    monkeypatch.setenv("PATH", "")  # no Python beside this one is asked for bytecode

    def run(command, **_options):
        asked.append(command)
        target = Path(command[command.index("--target") + 1])
        (target / "orjson").mkdir(parents=True)
        (target / "orjson" / "orjson.cpython-313-aarch64-linux-gnu.so").write_bytes(b"ELF")
        (target / "orjson-3.0.dist-info").mkdir()
        (target / "orjson-3.0.dist-info" / "METADATA").write_text("Version: 3.0\n")
        (target / "orjson-3.0.dist-info" / "RECORD").write_text("")
        (target / "bin").mkdir()
        (target / "bin" / "tool").write_text("")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return asked


def test_on_aws_the_wheels_of_its_platform_are_packed_and_fetched_once(sources, fetched):
    on_aws = Sources(sources.lambda_functions, sources.cache, Platform("3.13", "arm64"))
    first, second = streams_package(on_aws), streams_package(on_aws)
    assert first.key == second.key
    assert {path for path in first.files if path.startswith(("orjson", "bin"))} == {
        "orjson/orjson.cpython-313-aarch64-linux-gnu.so",
        "orjson-3.0.dist-info/METADATA",
    }
    (command,) = fetched
    assert "--only-binary=:all:" in command
    assert command[command.index("--python-version") + 1] == "3.13"
    assert "manylinux2014_aarch64" in command
    assert f"orjson=={importlib.metadata.version('orjson')}" in command


def test_typing_extensions_travel_to_older_pythons_only(sources, fetched):
    for python in ("3.13", "3.12"):
        load_package(Sources(sources.lambda_functions, sources.cache, Platform(python, "arm64")))
    newer, older = (" ".join(command) for command in fetched)
    assert "typing-extensions" not in newer
    assert "typing-extensions" in older


@pytest.mark.parametrize("machine", ["arm64", "x86_64"])
def test_the_real_wheels_of_each_architecture_give_the_same_small_zip_twice(machine, tmp_path):
    def packed(cache):
        there = Sources(HANDLERS, tmp_path / cache, Platform("3.13", machine), ROOT / "sqlqueries")
        return load_package(there)

    try:
        first = packed("first")
    except ProjectError as error:
        if "cannot be reached" not in error.found:
            raise
        pytest.skip(str(error))
    umask = os.umask(0o077)
    try:
        second = packed("second")
    finally:
        os.umask(umask)
    assert (second.key, second.zipped()) == (first.key, first.zipped())
    assert len(first.zipped()) < 30_000_000
    libraries = [path for path in first.files if path.endswith(".so")]
    elf_machine = {"arm64": 183, "x86_64": 62}[machine]  # /usr/include/elf.h
    assert libraries
    assert {first.files[path][18] for path in libraries} == {elf_machine}


def test_a_package_without_a_wheel_is_named(sources, monkeypatch):
    """Of an index that has none; nothing is built from source."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    on_aws = Sources(sources.lambda_functions, sources.cache, Platform("3.13", "arm64"))
    with pytest.raises(ProjectError, match=r"there is none of orjson==.*another architecture"):
        streams_package(on_aws)


def test_an_index_that_cannot_be_reached_is_told(sources, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    on_aws = Sources(sources.lambda_functions, sources.cache, Platform("3.13", "arm64"))
    with pytest.raises(ProjectError, match=r"index cannot be reached.*pip's index-url"):
        streams_package(on_aws)


def test_what_pip_says_is_told(sources, monkeypatch):
    def run(command, **_options):
        return subprocess.CompletedProcess(command, 1, "", "noise\nERROR: the disk is full")

    monkeypatch.setattr(subprocess, "run", run)
    on_aws = Sources(sources.lambda_functions, sources.cache, Platform("3.13", "arm64"))
    with pytest.raises(ProjectError, match="the disk is full"):
        streams_package(on_aws)
    assert not any(sources.cache.glob("*")), "half a folder would be taken for a whole one"
