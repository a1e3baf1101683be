import io
import stat
import zipfile

import pytest

from voxgate.errors import UnreadableAudioError, UsageError
from voxgate.server import archives
from voxgate.server.archives import Labelled, label, recordings

LONGEST = 1000


def archive(*members, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in members:
            file.writestr(name, content)
    buffer.seek(0)
    return buffer


def read(file):
    return list(recordings(file, longest=LONGEST))


def test_the_folder_of_a_recording_is_its_speaker():
    file = archive(("ada/1.wav", b"a1"), ("export/bob/x.flac", b"b"), ("ada/2.wav", b"a2"))
    assert read(file) == [
        Labelled("ada", "1.wav", b"a1"),
        Labelled("bob", "x.flac", b"b"),
        Labelled("ada", "2.wav", b"a2"),
    ]


def test_what_operating_systems_add_is_left_out():
    link = zipfile.ZipInfo("ada/link.wav")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    file = archive(
        ("ada/", b""), ("__MACOSX/ada/._1.wav", b"x"), ("ada/.DS_Store", b"x"),
        (link, b"/etc/hosts"),
        ("ada/1.wav", b"a"),
    )  # fmt: skip
    assert [one.name for one in read(file)] == ["1.wav"]


@pytest.mark.parametrize("path", ["1.wav", "/1.wav", "../1.wav", ""])
def test_a_recording_in_no_folder_is_refused(path):
    with pytest.raises(UsageError, match="lies in no folder"):
        label(path)


def test_a_path_of_windows_has_folders_too():
    assert label("ada\\1.wav") == ("ada", "1.wav")


def test_unpacking_stops_at_the_longest_recording_whatever_the_archive_says():
    bomb = archive(("ada/1.wav", bytes(50_000_000)), compression=zipfile.ZIP_DEFLATED)
    assert len(bomb.getvalue()) < 60_000
    with pytest.raises(UnreadableAudioError, match=r"ada/1\.wav has more than 1,000 bytes"):
        read(bomb)


def test_a_damaged_member_is_told_by_name():
    file = archive(("ada/1.wav", b"what ada said"))
    damaged = io.BytesIO(file.getvalue().replace(b"what ada", b"what bob"))
    with pytest.raises(UnreadableAudioError, match=r"ada/1\.wav cannot be unpacked"):
        read(damaged)


@pytest.mark.parametrize("content", [b"", b"no zip at all", archive(("a/b", b"c")).getvalue()[:30]])
def test_what_is_no_zip_is_refused(content):
    with pytest.raises(UsageError, match="no zip file, or a damaged one"):
        read(io.BytesIO(content))


def test_an_encrypted_zip_is_refused():
    content = bytearray(archive(("ada/1.wav", b"a")).getvalue())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UsageError, match="make the zip without a password"):
        read(io.BytesIO(bytes(content)))


def test_an_empty_archive_and_one_of_too_many_recordings_are_refused(monkeypatch):
    monkeypatch.setattr(archives, "MOST_RECORDINGS", 1)
    for members, found in (((), "0"), ((("a/1", b""), ("a/2", b"")), "2")):
        with pytest.raises(UsageError, match=f"holds {found} recordings; from 1 to 1 are taken"):
            read(archive(*members))
