"""The watch of the folder: what is news, and what is none."""

import pytest

from dynaurora.dev.plugins import PluginWatch

RIGHT = 'from dynaurora import Table\nthings = Table(key="id", columns={"id": "text"})\n'
OTHER = 'from dynaurora import Table\nthings = Table(key="id", columns={"id": "integer"})\n'
WRONG = 'from dynaurora import Table\nthings = Table(key="no", columns={"id": "text"})\n'


@pytest.fixture
def watch(tmp_path):
    return PluginWatch(tmp_path, "postgresql")


def news(watch):
    """Look twice: what has changed has to be at rest."""
    first = watch.news()
    return [(each.what, each.plugin.table, each.was_broken) for each in [*first, *watch.news()]]


def test_a_new_file_is_found_once(watch, tmp_path):
    assert news(watch) == []
    (tmp_path / "things.py").write_text(RIGHT)
    assert news(watch) == [("found", "things", False)]
    assert news(watch) == []
    assert watch.tables == ["things"]
    assert watch.plugin("things").sql_tables == ("things",)


def test_a_file_that_is_still_being_written_is_no_news(watch, tmp_path):
    path = tmp_path / "things.py"
    path.write_text(RIGHT[:20])
    assert watch.news() == []
    path.write_text(RIGHT)
    assert watch.news() == []
    assert [each.what for each in watch.news()] == ["found"]


def test_what_was_there_at_the_start_is_told_at_once(watch, tmp_path):
    (tmp_path / "things.py").write_text(RIGHT)
    assert [each.what for each in watch.news(is_patient=False)] == ["found"]


def test_a_changed_file_is_told_and_a_touched_one_is_not(watch, tmp_path):
    path = tmp_path / "things.py"
    path.write_text(RIGHT)
    news(watch)
    path.touch()
    assert news(watch) == []
    path.write_text(OTHER)
    assert news(watch) == [("changed", "things", False)]


def test_a_file_breaks_and_is_mended(watch, tmp_path):
    path = tmp_path / "things.py"
    path.write_text(RIGHT)
    news(watch)
    path.write_text(WRONG)
    assert news(watch) == [("broken", "things", False)]
    assert watch.tables == ["things"]
    assert watch.plugin("things") is None
    path.write_text(WRONG + "\n")
    assert news(watch) == []  # it is broken in the same way
    path.write_text(RIGHT)
    assert news(watch) == [("found", "things", True)]


def test_a_file_that_is_renamed_is_another_table(watch, tmp_path):
    (tmp_path / "things.py").write_text(RIGHT)
    news(watch)
    (tmp_path / "things.py").rename(tmp_path / "others.py")
    assert sorted(news(watch)) == [("found", "others", False), ("gone", "things", False)]


def test_a_file_that_moves_within_the_folder_stays_its_table(watch, tmp_path):
    (tmp_path / "things.py").write_text(RIGHT)
    news(watch)
    (tmp_path / "area").mkdir()
    (tmp_path / "things.py").rename(tmp_path / "area" / "things.py")
    assert news(watch) == [("found", "things", False)]
    assert watch.tables == ["things"]


def test_two_files_for_one_table_break_it(watch, tmp_path):
    (tmp_path / "things.py").write_text(RIGHT)
    news(watch)
    (tmp_path / "sql_queries_things.py").write_text(RIGHT)
    assert {each[0] for each in news(watch)} == {"broken"}
    (tmp_path / "sql_queries_things.py").unlink()
    assert ("found", "things", True) in news(watch) or watch.plugin("things") is not None


def test_a_folder_that_vanishes_and_comes_back(watch, tmp_path):
    folder = tmp_path / "sqlqueries"
    folder.mkdir()
    (folder / "things.py").write_text(RIGHT)
    watch.folder = folder
    news(watch)
    folder.rename(tmp_path / "away")
    assert news(watch) == [("gone", "things", False)]
    (tmp_path / "away").rename(folder)
    assert news(watch) == [("found", "things", False)]
