"""What is particular to SQLite: its files, and what can go wrong with them."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from store.databases import KEY, opening
from store.samples import PACK, sample
from voxgate.errors import StoreCorruptError, StoreError, StoreWriteError
from voxgate.store import Store, open_store
from voxgate.store.sqlite import SqliteDatabase

# files


def test_the_files_and_folders_are_made_and_nobody_else_can_read_them(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder % with ünusual" / "voices #1.db"
    with closing(opening(path)) as store:
        store.enrol("ada", PACK, [sample(1)])
        files = {file.name for file in path.parent.iterdir()}
        assert files == {"voices #1.db", "voices #1.db-wal", "voices #1.db-shm"}
        if os.name == "posix":
            assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
            assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["voices #1.db"]
    with closing(opening(path)) as store:
        assert store.speakers()[0].name == "ada"


def test_a_relative_path_and_a_home_folder_are_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for url in ("sqlite:///a.db", "sqlite:///~/b.db"):
        open_store(url, key=KEY).close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.db", "b.db"]


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite:x.db", "sqlite:///:memory:", "sqlite:///x.db?mode=ro"],
)
def test_a_url_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="names no file; write sqlite:///voices"):
        open_store(url)


def test_a_forgotten_store_lets_go_of_its_files(path: Path) -> None:
    store = opening(path)
    store.enrol("ada", PACK, [sample(1)])
    assert path.with_name("voices.db-wal").exists()
    del store
    assert not path.with_name("voices.db-wal").exists()


# what is no store, or a damaged one


def test_random_bytes_are_not_a_store(path: Path) -> None:
    damaged = np.random.default_rng(0).bytes(10_000)
    path.write_bytes(damaged)
    with pytest.raises(StoreCorruptError, match=r"voices\.db is not a database"):
        opening(path)
    assert path.read_bytes() == damaged


def test_a_truncated_store_is_told(path: Path) -> None:
    with closing(opening(path)) as store:
        for number in range(20):
            store.enrol(f"speaker {number}", PACK, [sample(number)])
    whole = path.read_bytes()
    for length in (len(whole) - 4096, len(whole) // 2, 4096, 1000, 50):
        path.write_bytes(whole[:length])
        with pytest.raises(StoreCorruptError, match=r"voices\.db is (damaged|not a database)"):
            opening(path)
        assert path.read_bytes() == whole[:length]


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    with closing(opening(path)) as store:
        assert store.speakers() == []


def test_a_folder_is_not_a_store(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreWriteError, match="cannot be opened or made"):
        opening(path)


def test_a_file_in_the_place_of_the_folder_is_told(path: Path) -> None:
    path.write_text("not a folder")
    with pytest.raises(StoreWriteError, match=r"cannot be opened or made: .*VOXGATE_STORE"):
        opening(path / "voices.db")


def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE notes (note TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="is the database of another program"):
        opening(path)
    assert path.read_bytes() == before


def test_the_store_of_a_newer_version_is_left_alone(path: Path) -> None:
    opening(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer version of voxgate .*9999.*; upgrade voxgate"):
        opening(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("message", "expected", "words"),
    [
        ("database is locked", StoreWriteError, "used by another program"),
        ("attempt to write a readonly database", StoreWriteError, "cannot be written"),
        ("disk I/O error", StoreWriteError, "cannot be read or written: the disk"),
        ("database disk image is malformed", StoreCorruptError, "is damaged"),
        ("database or disk is full", StoreWriteError, "the disk is full"),
        ("unable to open database file", StoreWriteError, "cannot be opened or made"),
        ("file is not a database", StoreCorruptError, "is not a database"),
        ("out of memory", StoreError, "failed and may be damaged: out of memory"),
    ],
)
def test_errors_are_known_by_their_words_where_python_gives_no_code(
    path: Path, message: str, expected: type[StoreError], words: str
) -> None:
    database = SqliteDatabase(path)
    with pytest.raises(StoreError, match=words) as caught, database.reading():
        raise sqlite3.OperationalError(message)  # as Python 3.10 does
    assert type(caught.value) is expected
    assert str(path) in str(caught.value)
    database.close()


# what cannot be written


@contextmanager
def ordinary_rights() -> Iterator[None]:
    """Without the rights of root, whom no file mode keeps from writing."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that can be reached without the rights of root, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
        Path(folder).chmod(0o755)


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_folder_that_cannot_be_written_is_told(shared_folder: Path) -> None:
    opening(shared_folder / "other.db").close()  # what is imported late is imported now
    shared_folder.chmod(0o555)
    with ordinary_rights(), pytest.raises(StoreWriteError, match="permission denied; choose"):
        opening(shared_folder / "voices.db")


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_store_that_cannot_be_written_is_told(shared_folder: Path) -> None:
    path = shared_folder / "voices.db"
    opening(path).close()
    path.chmod(0o444)
    shared_folder.chmod(0o555)
    with ordinary_rights(), pytest.raises(StoreWriteError, match="make the file and its folder"):
        opening(path).enrol("ada", PACK, [sample(1)])


def test_a_store_that_becomes_read_only_can_still_be_read(store: Store, path: Path) -> None:
    store.enrol("ada", PACK, [sample(1)])
    set_pragma(store, "query_only = ON")
    with pytest.raises(StoreWriteError, match=r"voices\.db cannot be written; make the file"):
        store.enrol("bob", PACK, [sample(2)])
    assert [found.speaker for found in store.voiceprints(PACK)] == ["ada"]


def set_pragma(store: Store, pragma: str) -> None:
    """Set something for the one connection that a store used by one thread has."""
    database = store._database  # type: ignore[attr-defined]
    with database._raw() as raw:
        raw.execute(f"PRAGMA {pragma}").fetchall()


def test_on_a_full_disk_nothing_is_changed_and_work_goes_on_when_there_is_room(
    store: Store, path: Path
) -> None:
    store.enrol("ada", PACK, [sample(1)])
    with closing(sqlite3.connect(path)) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    set_pragma(store, f"max_page_count = {pages}")
    done = 0
    with pytest.raises(StoreWriteError, match="has no room: the disk is full, nothing was written"):
        for number in range(100):
            store.enrol(f"speaker {number}", PACK, [sample(number, dim=200)])
            done += 1
    assert store.revision() == 1 + done
    assert len(store.speakers()) == len(store.voiceprints(PACK)) == 1 + done
    assert len(store.audit_log()) == 1 + done
    set_pragma(store, "max_page_count = 1000000")
    store.enrol("bob", PACK, [sample(3)])
    store.delete("ada")


@pytest.mark.usefixtures("impatient")
def test_a_store_that_another_program_keeps_locked_can_still_be_read(path: Path) -> None:
    with closing(opening(path)) as store:
        store.enrol("ada", PACK, [sample(1)])
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreWriteError, match="is being used by another program"):
                store.enrol("bob", PACK, [sample(2)])
            assert store.voiceprint("ada", PACK).recordings == 1
        store.enrol("bob", PACK, [sample(2)])
