import os
import stat

import pytest

from voxgate.errors import StoreCorruptError, StoreWriteError
from voxgate.server.spool import Spool, new_key, waiting

KEY = bytes(range(32))


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "jobs", "job1", KEY)


def test_a_recording_comes_back_as_it_was_and_is_not_readable_on_the_disk(spool, tmp_path):
    spool.put(0, b"what ada said")
    assert spool.get(0) == b"what ada said"
    (file,) = (tmp_path / "jobs" / "job1").iterdir()
    assert b"ada" not in file.read_bytes()


def test_one_recording_is_never_sealed_alike_twice(spool, tmp_path):
    spool.put(0, b"the same")
    spool.put(1, b"the same")
    first, second = (path.read_bytes() for path in (tmp_path / "jobs" / "job1").iterdir())
    assert first != second


def test_a_recording_in_the_place_of_another_is_not_taken_for_it(spool, tmp_path):
    spool.put(0, b"ada")
    folder = tmp_path / "jobs" / "job1"
    (folder / "0.sealed").rename(folder / "1.sealed")
    with pytest.raises(StoreCorruptError, match="Recording 1 of job job1 is missing or was alter"):
        spool.get(1)


def test_what_another_key_sealed_cannot_be_read(spool, tmp_path):
    spool.put(0, b"ada")
    with pytest.raises(StoreCorruptError):
        Spool(tmp_path / "jobs", "job1", new_key()).get(0)


def test_what_was_dropped_is_gone_and_may_be_dropped_again(spool, tmp_path):
    spool.put(0, b"ada")
    spool.drop(0)
    spool.drop(0)
    assert list((tmp_path / "jobs" / "job1").iterdir()) == []
    with pytest.raises(StoreCorruptError):
        spool.get(0)


def test_the_jobs_with_recordings_are_listed_until_they_are_cleared(spool, tmp_path):
    assert list(waiting(tmp_path / "jobs")) == []
    spool.put(0, b"ada")
    assert list(waiting(tmp_path / "jobs")) == ["job1"]
    spool.clear()
    spool.clear()
    assert list(waiting(tmp_path / "jobs")) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_nobody_else_may_look_into_the_folder(spool, tmp_path):
    spool.put(0, b"ada")
    assert stat.S_IMODE((tmp_path / "jobs" / "job1").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "jobs").write_text("in the way")
    with pytest.raises(StoreWriteError, match="cannot be kept"):
        Spool(tmp_path / "jobs", "job1", KEY).put(0, b"ada")
