"""The two zips of the Lambdas: same input, same bytes.

    streams.zip   the capture's and the transform's handler, the modules of dynaurora that their
                  imports reach, orjson
    load.zip      the load's handler, dynaurora without what runs on an operator's machine, orjson,
                  psycopg, PyMySQL, and on AWS the plugins and who may have signed the database's
                  certificate

Beside each module lies its bytecode (`dynaurora.deploy.bytecode`), but beside no plugin: those are
read as sources. A zip is told from another by a hash of what it is made of, so it is only made when
S3 has none of that name. boto3 is never in it: the runtime brings it
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html).
"""

import ast
import hashlib
import importlib.metadata
import io
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Final

import dynaurora
from dynaurora.deploy.bytecode import Compiler, compiler_for
from dynaurora.deploy.certificates import IN_THE_ZIP
from dynaurora.deploy.wheels import Platform, fetched
from dynaurora.errors import ProjectError

CAPTURE: Final = "lambda_function_ddb_streams_processor.py"
TRANSFORM: Final = "lambda_function_ddb_streams_processor_kinesis_fh.py"
LOAD: Final = "lambda_function_s3_to_aurora.py"

NOT_IN_LAMBDAS: Final = frozenset({"cli", "demo", "deploy", "dev", "local", "testing"})
"""The layers above the settings (pyproject.toml, importlinter): they run on somebody's machine."""

STREAMS_NEEDS: Final = ("orjson",)
LOAD_NEEDS: Final = ("orjson", "psycopg", "psycopg-binary", "pymysql", "typing-extensions")

LARGEST_BYTES: Final = 50 * 1024 * 1024
"""Unzipped. Lambda takes 250 MB; a start takes longer with each of them.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

_PLUGINS: Final = "sqlqueries"
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_LEFT_OUT: Final = frozenset({".pyc", ".pyi", ".pyx", ".pxd", ".c", ".h"})
_TYPING_EXTENSIONS_UNTIL: Final = (3, 13)
"""psycopg needs them for older Pythons only (its METADATA)."""


@dataclass(frozen=True)
class Package:
    """What is in a zip: the bytes of each file by its path, and who makes bytecode of them."""

    name: str
    files: Mapping[str, bytes]
    compiler: Compiler | None = None

    @cached_property
    def digest(self) -> str:
        """Of the paths and the bytes, each with its length before it, and whose the bytecode is."""
        sum_of_all = hashlib.sha256(self.compiler.tag.encode() if self.compiler else b"")
        for path in sorted(self.files):
            for part in (path.encode(), self.files[path]):
                sum_of_all.update(len(part).to_bytes(8, "big"))
                sum_of_all.update(part)
        return sum_of_all.hexdigest()

    @property
    def key(self) -> str:
        """Where it lies in S3: ``load-<hash>.zip``."""
        return f"{self.name}-{self.digest[:32]}.zip"

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.files.values()))

    def zipped(self) -> bytes:
        buffer = io.BytesIO()
        files = {**self.files, **self._bytecode()}
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(files):
                entry = zipfile.ZipInfo(path, _DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3
                # Lambda runs the code as another user: readable for all.
                entry.external_attr = 0o100644 << 16
                archive.writestr(entry, files[path])
        return buffer.getvalue()

    def _bytecode(self) -> dict[str, bytes]:
        if self.compiler is None:
            return {}
        modules = {path: data for path, data in self.files.items() if _is_imported(path)}
        return self.compiler.compiled(modules)


@dataclass(frozen=True, slots=True)
class Sources:
    """What the zips are made of.

    platform: None takes the running interpreter's own packages (an emulator runs the Lambdas
        with it), else wheels of that platform are fetched with pip and kept below ``cache``.
    plugins: the folder that travels in load.zip; None where the Lambda reads the folder itself.
    certificates: of who may have signed the database's, for load.zip; None where none travel.
    has_bytecode: takes some seconds to be made, which pay where there are many cold starts.
    """

    lambda_functions: Path
    cache: Path
    platform: Platform | None = None
    plugins: Path | None = None
    certificates: Path | None = None
    has_bytecode: bool = True

    @property
    def python(self) -> tuple[int, ...]:
        """The version that runs them."""
        return self.platform.version if self.platform else sys.version_info[:2]


def streams_package(sources: Sources) -> Package:
    """The code of the capture and of the transform."""
    handlers = [_handler(sources, CAPTURE), _handler(sources, TRANSFORM)]
    package = _own_package()
    return _package(
        "streams",
        sources,
        _read(handlers, sources.lambda_functions),
        _read(reached_modules(handlers, package), package.parent),
        _needs(STREAMS_NEEDS, sources),
    )


def load_package(sources: Sources) -> Package:
    """The code of the load, and on AWS the plugins."""
    handlers = [_handler(sources, LOAD)]
    package = _own_package()
    return _package(
        "load",
        sources,
        _read(handlers, sources.lambda_functions),
        _read(lambda_modules(package), package.parent),
        _needs(LOAD_NEEDS, sources),
        _plugins(sources),
        {IN_THE_ZIP: sources.certificates.read_bytes()} if sources.certificates else {},
    )


def lambda_modules(package: Path) -> Iterator[Path]:
    """The files of dynaurora that may run in a Lambda."""
    for path in _files(package):
        if path.relative_to(package).parts[0] not in NOT_IN_LAMBDAS:
            yield path


def reached_modules(roots: Iterable[Path], package: Path) -> set[Path]:
    """The files of a package that imports reach from ``roots``, late imports included."""
    reached: set[Path] = set()
    waiting = list(roots)
    while waiting:
        for module in _imports(waiting.pop(), package):
            if module not in reached:
                reached.add(module)
                waiting.append(module)
    return reached


# --- our own files ----------------------------------------------------------------------------


def _own_package() -> Path:
    return Path(dynaurora.__file__).parent


def _handler(sources: Sources, name: str) -> Path:
    path = sources.lambda_functions / name
    if not path.is_file():
        raise ProjectError(
            str(path),
            "is not there",
            "the handler of a Lambda",
            "Copy lambda_functions/ into the project (README.md, In your account).",
        )
    return path


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.suffix not in _LEFT_OUT:
            yield path


def _read(paths: Iterable[Path], root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def _plugins(sources: Sources) -> dict[str, bytes]:
    if sources.plugins is None:
        return {}
    files = _read(_files(sources.plugins), sources.plugins)
    return {f"{_PLUGINS}/{path}": data for path, data in files.items()}


def _is_imported(path: str) -> bool:
    return path.endswith(".py") and not path.startswith(f"{_PLUGINS}/")


def _package(name: str, sources: Sources, *parts: Mapping[str, bytes]) -> Package:
    files: dict[str, bytes] = {}
    for part in parts:
        files.update(part)
    compiler = compiler_for(sources.python) if sources.has_bytecode else None
    package = Package(name, files, compiler)
    if package.size_bytes > LARGEST_BYTES:
        largest = sorted(files, key=lambda path: len(files[path]), reverse=True)[:3]
        raise ProjectError(
            f"{name}.zip",
            f"has {package.size_bytes:,} bytes unzipped, most in {', '.join(largest)}",
            f"at most {LARGEST_BYTES:,}",
            "Take what is no code out of sqlqueries/.",
        )
    return package


def _imports(path: Path, package: Path) -> Iterator[Path]:
    """The modules of the package that one file imports, with the packages they lie in."""
    own = _module_name(path, package)
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise ProjectError(
            f"{path}:{error.lineno}", error.msg, "Python", "Correct it and deploy again."
        ) from error
    for node in ast.walk(tree):
        for name in _imported_names(node, own, is_package=path.name == "__init__.py"):
            yield from _module_files(name, package)


def _imported_names(node: ast.AST, own: str, *, is_package: bool) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = own.split(".")
        above = above[: len(above) - node.level + is_package] if node.level else []
        base = ".".join([*above, *filter(None, [node.module])])
        # What is imported from a package may be a module of it.
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _module_name(path: Path, package: Path) -> str:
    if not path.is_relative_to(package):
        return path.stem
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _module_files(name: str, package: Path) -> Iterator[Path]:
    """The files that importing a dotted name runs: of each package on the way, then its own."""
    parts = name.split(".")
    if parts[0] != package.name:
        return
    for length in range(1, len(parts) + 1):
        place = package.parent.joinpath(*parts[:length])
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                yield path


# --- what others wrote ------------------------------------------------------------------------


def _needs(distributions: Iterable[str], sources: Sources) -> dict[str, bytes]:
    wanted = _wanted(distributions, sources.python)
    if sources.platform is None:
        return {path: data for name in wanted for path, data in _installed_files(name).items()}
    folder = fetched(wanted, sources.platform, sources.cache)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in _files(folder)
        if _travels(path.relative_to(folder).as_posix())
    }


def _wanted(distributions: Iterable[str], python: tuple[int, ...]) -> list[str]:
    has_typing = python < _TYPING_EXTENSIONS_UNTIL
    return [name for name in distributions if has_typing or name != "typing-extensions"]


def _travels(path: str) -> bool:
    """Whether a file of a distribution runs. Of its metadata only what tells its version."""
    parts = PurePosixPath(path).parts
    if parts[0] in ("..", "bin") or "__pycache__" in parts:
        return False
    if parts[0].endswith(".dist-info"):
        return parts[1:] == ("METADATA",)
    return PurePosixPath(path).suffix not in _LEFT_OUT


def _installed_files(name: str) -> dict[str, bytes]:
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError as error:
        raise ProjectError(name, "is not installed", "a package", "Run make setup.") from error
    return {
        file.as_posix(): Path(str(file.locate())).read_bytes()
        for file in distribution.files or ()
        if _travels(file.as_posix())
    }
