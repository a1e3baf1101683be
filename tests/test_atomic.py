import os
import stat
import sys

import pytest

from voxgate.atomic import complete_or_absent
from voxgate.errors import AudioFileNotFoundError, OutputError


def test_the_file_appears_whole_when_the_block_ends(tmp_path):
    path = tmp_path / "out.txt"
    with complete_or_absent(path) as part:
        part.write_text("half")
        assert not path.exists()
        part.write_text("all")
    assert path.read_text() == "all"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("reason", [ValueError, KeyboardInterrupt])
def test_whatever_goes_wrong_the_old_file_stays_and_no_part_is_left(tmp_path, reason):
    path = tmp_path / "out.txt"
    path.write_text("old")
    with pytest.raises(reason), complete_or_absent(path) as part:
        part.write_text("new")
        raise reason
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_part_that_a_killed_process_left_is_no_obstacle(tmp_path):
    (tmp_path / "out.txt.part").write_text("left over")
    with complete_or_absent(tmp_path / "out.txt") as part:
        assert part.read_text() == ""
        part.write_text("new")
    assert (tmp_path / "out.txt").read_text() == "new"


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    path = tmp_path / "nowhere" / "out.txt"
    with (
        pytest.raises(OutputError, match=r"out\.txt: cannot be written: no such file"),
        complete_or_absent(path),
    ):
        pass


def test_errors_of_our_own_pass_even_if_they_are_os_errors(tmp_path):
    with pytest.raises(AudioFileNotFoundError), complete_or_absent(tmp_path / "out.txt"):
        raise AudioFileNotFoundError("a.wav: there is no such file.")


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_a_private_file_is_for_its_owner_only_from_the_start(tmp_path):
    old = os.umask(0)
    try:
        with complete_or_absent(tmp_path / "secret", private=True) as part:
            assert stat.S_IMODE(part.stat().st_mode) == 0o600
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
