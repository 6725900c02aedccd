"""A folder of plugins to write into, and what is found in it."""

from textwrap import dedent

import pytest

from dynaurora.plugins.inspection_child import inspect_file
from dynaurora.plugins.loading import load_plugin


class Folder:
    """Plugins as they stand in a file: the text is written without its common indentation."""

    def __init__(self, path):
        self.path = path

    def write(self, name, text=""):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), "utf-8")
        return path

    def load(self, text, table="orders", engine="postgresql"):
        return load_plugin(self.write(f"{table}.py", text), table, engine)

    def problems(self, text, table="orders", engine="postgresql"):
        """Every problem of a plugin, as a person reads it; the folder is left out."""
        return self.problems_of(self.write(f"{table}.py", text), engine)

    def problems_of(self, path, engine="postgresql"):
        inspected = inspect_file(path.stem, path, engine)
        return [str(problem).replace(f"{self.path}/", "") for problem in inspected.problems]


@pytest.fixture
def folder(tmp_path):
    found = Folder(tmp_path / "sqlqueries")
    found.path.mkdir()
    return found
