from pathlib import Path

from voxgate.cli.recordings import find_recordings


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def test_files_keep_their_order_and_come_once():
    assert find_recordings(["b.wav", "a.wav", "./b.wav", "x/../a.wav"]) == ["b.wav", "a.wav"]


def test_a_folder_is_searched_through_in_alphabetical_order():
    touch("in/b.WAV", "in/a.mp3", "in/deep/er/c.opus", "in/notes.txt", "in/.hidden.wav",
          "in/.git/d.wav")  # fmt: skip
    assert find_recordings(["in"]) == [
        str(Path("in/a.mp3")), str(Path("in/b.WAV")), str(Path("in/deep/er/c.opus")),
    ]  # fmt: skip


def test_a_named_file_is_kept_whatever_it_is_called():
    assert find_recordings(["missing", "data.bin", "-"]) == ["missing", "data.bin", "-"]


def test_a_folder_and_a_file_in_it_do_not_double():
    touch("in/a.wav", "in/b.wav")
    assert find_recordings(["in/b.wav", "in/"]) == [str(Path("in/b.wav")), str(Path("in/a.wav"))]


def test_a_folder_without_recordings_stays_for_its_reader_to_refuse():
    touch("in/notes.txt")
    assert find_recordings(["a.wav", "in"]) == ["a.wav", "in"]
