"""The note of a running pipeline: believed while its folder is held, and gone with it."""

import pytest

from dynaurora.errors import LocalServerError
from dynaurora.local import folders
from dynaurora.local.running import NOTE, noted, running

VARIABLES = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}


def test_a_running_pipeline_is_found_and_one_that_has_ended_is_not(tmp_path):
    with folders.temporary(tmp_path) as folder, noted(tmp_path, folder, VARIABLES):
        assert running(tmp_path) == VARIABLES
        assert (tmp_path / NOTE).stat().st_mode & 0o077 == 0
    assert not (tmp_path / NOTE).exists()
    with pytest.raises(LocalServerError, match="dynaurora dev"):
        running(tmp_path)


def test_the_note_of_a_run_that_was_killed_is_not_believed(tmp_path):
    with folders.kept(tmp_path / "data") as folder, noted(tmp_path, folder, VARIABLES):
        text = (tmp_path / NOTE).read_text()
    (tmp_path / NOTE).write_text(text)
    with pytest.raises(LocalServerError, match="no pipeline"):
        running(tmp_path)


def test_the_later_of_two_runs_is_found_and_keeps_its_note(tmp_path):
    with folders.temporary(tmp_path) as later:
        with (
            folders.temporary(tmp_path) as earlier,
            noted(tmp_path, earlier, {"which": "earlier"}),
        ):
            note = noted(tmp_path, later, {"which": "later"})
            note.__enter__()
        assert running(tmp_path) == {"which": "later"}
        note.__exit__(None, None, None)
