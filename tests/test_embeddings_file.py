import json
import os
import sys
import time

import numpy as np
import pytest

from voxgate.embeddings_file import Journal, Row, check_writable, read, rows_done, write
from voxgate.errors import MissingExtraError, OutputError, UsageError

FORMATS = pytest.mark.parametrize("suffix", [".npz", ".parquet"])


def row_of(path, vector=(0.6, 0.8), pack="tiny@1", computed_at=None) -> Row:
    """A row for a recording, which is made if it is missing."""
    path.touch()
    now = time.time() + 1 if computed_at is None else computed_at
    return Row(str(path), np.float32(vector), 1.5, now, pack)


def shown(rows) -> list[tuple]:
    return [(r.name, r.vector.tolist(), r.speech_s, r.computed_at, r.pack) for r in rows]


@FORMATS
def test_what_is_written_is_read_again(tmp_path, suffix):
    rows = [row_of(tmp_path / "مرحبا.wav"), row_of(tmp_path / "b.wav", vector=(1, 0))]
    write(tmp_path / f"out{suffix}", rows)
    found = read(tmp_path / f"out{suffix}")
    assert shown(found) == shown(rows)
    assert {row.vector.dtype for row in found} == {np.dtype(np.float32)}


def test_npz_has_the_documented_arrays(tmp_path):
    write(tmp_path / "out.npz", [row_of(tmp_path / "a.wav"), row_of(tmp_path / "b.wav")])
    with np.load(tmp_path / "out.npz") as arrays:  # without pickle
        assert set(arrays) == {"names", "embeddings", "speech_s", "computed_at", "pack"}
        assert arrays["names"].tolist() == [str(tmp_path / "a.wav"), str(tmp_path / "b.wav")]
        assert arrays["embeddings"].shape == (2, 2)
        assert arrays["embeddings"].dtype == np.float32
        assert str(arrays["pack"]) == "tiny@1"


def test_parquet_has_the_documented_columns(tmp_path):
    from pyarrow import parquet  # noqa: PLC0415

    write(tmp_path / "out.parquet", [row_of(tmp_path / "a.wav")])
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.column_names == ["name", "embedding", "speech_s", "computed_at", "pack"]
    assert str(table.schema.field("embedding").type) == "fixed_size_list<element: float>[2]"


def test_a_journal_takes_up_what_another_has_left(tmp_path):
    out, rows = tmp_path / "out.npz", [row_of(tmp_path / "a.wav"), row_of(tmp_path / "b.wav")]
    journal = Journal(out)
    for row in rows:
        journal.add(row)  # and then the process is killed
    assert shown(Journal(out).rows()) == shown(rows)


def test_a_line_cut_short_is_dropped_and_written_over(tmp_path):
    out, row = tmp_path / "out.npz", row_of(tmp_path / "a.wav")
    journal = Journal(out)
    journal.add(row)
    journal.add(row_of(tmp_path / "b.wav"))
    os.truncate(journal.path, journal.path.stat().st_size - 10)
    again = Journal(out)
    assert shown(again.rows()) == shown([row])
    again.add(row_of(tmp_path / "c.wav"))
    names = [json.loads(line)["name"] for line in journal.path.read_text().splitlines()]
    assert names == [str(tmp_path / "a.wav"), str(tmp_path / "c.wav")]


def test_no_journal_has_no_rows_and_none_is_made_by_asking(tmp_path):
    journal = Journal(tmp_path / "out.npz")
    assert journal.rows() == []
    assert list(tmp_path.iterdir()) == []


def test_a_removed_journal_is_gone(tmp_path):
    journal = Journal(tmp_path / "out.npz")
    journal.add(row_of(tmp_path / "a.wav"))
    journal.remove()
    assert not journal.path.exists()
    journal.remove()


@pytest.mark.parametrize("line", ["hello\n", "[1]\n", '{"name": "a"}\n', '"x"\n'])
def test_a_file_that_is_no_journal_is_left_alone(tmp_path, line):
    (tmp_path / "out.npz.journal").write_text(line)
    with pytest.raises(OutputError, match="not a journal"):
        Journal(tmp_path / "out.npz").rows()
    assert (tmp_path / "out.npz.journal").read_text() == line


def test_rows_of_the_output_and_of_the_journal_both_count(tmp_path):
    out, a, b = tmp_path / "out.npz", row_of(tmp_path / "a.wav"), row_of(tmp_path / "b.wav")
    write(out, [a])
    journal = Journal(out)
    journal.add(b)
    done = rows_done(out, Journal(out), {a.name, b.name, "c.wav"}, "tiny@1")
    assert list(done) == [a.name, b.name]


def test_a_recording_that_changed_since_is_not_done(tmp_path):
    out, past = tmp_path / "out.npz", time.time() - 100
    write(out, [row_of(tmp_path / "a.wav", computed_at=past)])  # touched after that
    assert rows_done(out, Journal(out), {str(tmp_path / "a.wav")}, "tiny@1") == {}


def test_a_recording_that_is_gone_is_not_done(tmp_path):
    out = tmp_path / "out.npz"
    write(out, [row_of(tmp_path / "a.wav")])
    (tmp_path / "a.wav").unlink()
    assert rows_done(out, Journal(out), {str(tmp_path / "a.wav")}, "tiny@1") == {}


def test_rows_of_another_pack_are_not_mixed_in(tmp_path):
    out = tmp_path / "out.npz"
    write(out, [row_of(tmp_path / "a.wav", pack="other@2")])
    with pytest.raises(UsageError, match=r"other@2, not tiny@1; .*--restart"):
        rows_done(out, Journal(out), {str(tmp_path / "a.wav")}, "tiny@1")


def test_rows_of_other_recordings_are_not_lost_silently(tmp_path):
    out = tmp_path / "out.npz"
    journal = Journal(out)
    journal.add(row_of(tmp_path / "a.wav"))
    with pytest.raises(UsageError, match=r"a\.wav, which is not among yours; .*--restart"):
        rows_done(out, Journal(out), {"b.wav"}, "tiny@1")


@FORMATS
def test_another_file_of_that_name_is_not_overwritten(tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    out.write_text("something precious")
    with pytest.raises(OutputError, match="holds no embeddings"):
        rows_done(out, Journal(out), set(), "tiny@1")
    assert out.read_text() == "something precious"


@FORMATS
def test_embeddings_of_something_else_are_not_overwritten(tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    if suffix == ".npz":
        np.savez(out, x=np.zeros(3))
    else:
        import pyarrow as arrow  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        parquet.write_table(arrow.table({"x": [1]}), out)
    with pytest.raises(OutputError, match="holds no embeddings"):
        read(out)


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"\.npz or \.parquet"):
        check_writable(tmp_path / "out.csv")


def test_without_pyarrow_the_extra_is_named_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    check_writable(tmp_path / "out.npz")
    with pytest.raises(MissingExtraError, match=r"voxgate\[parquet\]"):
        check_writable(tmp_path / "out.parquet")


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(OutputError, match="cannot be written: no such file"):
        Journal(tmp_path / "nowhere" / "out.npz").add(row_of(tmp_path / "a.wav"))


def test_a_full_disk_is_one_sentence(tmp_path):
    resource = pytest.importorskip("resource")  # not on Windows
    journal, row = Journal(tmp_path / "out.npz"), row_of(tmp_path / "a.wav")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        for most in (20, 0):  # bytes
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
            with pytest.raises(OutputError, match="journal: cannot be written: file too large"):
                journal.add(row)
            assert journal.path.exists() == bool(most)
            journal.path.unlink(missing_ok=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert journal.rows() == []
