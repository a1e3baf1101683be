import tarfile

import pytest

from voxgate.errors import AudioFileNotFoundError, EvaluationError
from voxgate.evaluate.recordings import About, Library


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "set" / "ada").mkdir(parents=True)
    (tmp_path / "set" / "ada" / "1.wav").write_bytes(b"one")
    return tmp_path


def test_the_speaker_is_the_folder_where_nothing_else_is_said(folder):
    library = Library(folder)
    assert library.about("set/ada/1.wav") == About("set/ada")
    assert library.source("set/ada/1.wav") == folder / "set/ada/1.wav"


def test_a_manifest_knows_more(folder):
    (folder / "manifest.csv").write_text(
        "dataset,speaker,session,language,path,sex,extra\n"
        "set,A,monday,en,set/ada/1.wav,f,1\nset,,,de,set/alan/1.wav,,\n"
    )
    library = Library(folder)
    assert library.about("set/ada/1.wav") == About("set/A", "monday", "en", "f")
    assert library.about("set/alan/1.wav") == About("set/alan", "", "de", "")
    assert library.about("set/grace/1.wav") == About("set/grace")


def test_kaldi_tables_give_speakers_and_places(folder):
    (folder / "utt2spk").write_text("u1 ada\nu2 alan\n")
    (folder / "wav.scp").write_text(f"u1 set/ada/1.wav\nu2 {folder}/set/ada/1.wav\n")
    library = Library(folder)
    assert [library.about(name).speaker for name in ("u1", "u2")] == ["ada", "alan"]
    library.check(["u1", "u2"])
    assert library.path("u2").read_bytes() == b"one"


def test_a_command_in_a_kaldi_table_is_not_run(folder):
    (folder / "wav.scp").write_text("u1 sox in.wav -t wav - |\n")
    with pytest.raises(EvaluationError, match="gives a command for u1"):
        Library(folder)


def test_recordings_may_lie_in_tar_archives(folder):
    (folder / "two.wav").write_bytes(b"two, from the archive")
    with tarfile.open(folder / "b.tar", "w") as tar:
        tar.add(folder / "two.wav", "other/alan/2.wav")
        tar.add(folder / "set" / "ada" / "1.wav", "other/alan/3.wav")
    library = Library(folder)
    library.check(["set/ada/1.wav", "other/alan/2.wav"])
    assert library.source("other/alan/2.wav") == b"two, from the archive"
    assert library.source("other/alan/3.wav") == b"one"
    assert library.stamp("other/alan/2.wav").size == 21
    assert library.about("other/alan/2.wav").speaker == "other/alan"


def test_what_is_missing_is_said_before_the_work(folder):
    library = Library(folder)
    with pytest.raises(EvaluationError, match=r"2 of the 3 recordings .* such as set/alan/1.wav"):
        library.check(["set/ada/1.wav", "set/alan/2.wav", "set/alan/1.wav"])
    with pytest.raises(AudioFileNotFoundError):
        library.source("set/alan/1.wav")
    with pytest.raises(EvaluationError, match="is no folder"):
        Library(folder / "none")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("manifest.csv", b"file,speaker\na,b\n", "has no column 'path'"),
        ("manifest.csv", b"\xff\xfe", "cannot be read as text"),
        ("utt2spk", b"u1 ada\nu2\n", "line 2 is 'u2'"),
        ("x.tar", b"no archive", "not an uncompressed tar archive"),
    ],
)
def test_an_unsound_file_beside_the_recordings_is_an_error(folder, name, content, message):
    (folder / name).write_bytes(content)
    with pytest.raises(EvaluationError, match=message):
        Library(folder).check(["none"])
