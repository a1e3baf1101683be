"""What a pickle may hold: numeric arrays, as any NumPy writes them, and nothing that runs."""

import os
import pickle

import numpy as np
import pytest

from voxgate.errors import CorpusError
from voxgate.train.corpora.arrays import read_rows


class Runs:
    """Calls something when it is unpickled."""

    def __init__(self, call, *given):
        self.reduced = (call, given)

    def __reduce__(self):
        return self.reduced


@pytest.fixture
def write(tmp_path):
    def to_file(content, protocol=4):
        path = tmp_path / "x.pkl"
        raw = content if isinstance(content, bytes) else pickle.dumps(content, protocol)
        path.write_bytes(raw)
        return path

    return to_file


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_floats_are_read_as_they_are(write, protocol, dtype, order):
    rows = np.asarray([[0.5, -0.25, 0], [1, 0.125, -1]], dtype, order=order)
    assert np.array_equal(read_rows(write(rows, protocol)), rows)


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_numpy_1_are_read(write, protocol):
    raw = pickle.dumps(np.float32([[0.5, -0.25]]), protocol)
    named = b"numpy._core", b"numpy.core"
    if protocol >= 4:  # names with their lengths, in a frame with its length
        raw = pickle.dumps(np.float32([[0.5, -0.25]]), 3)
    raw = raw.replace(*named)
    assert b"numpy.core" in raw
    assert np.array_equal(read_rows(write(raw)), [[0.5, -0.25]])


def test_integers_are_scaled_to_1(write):
    assert np.array_equal(read_rows(write(np.int16([[-32768, 16384]]))), [[-1, 0.5]])
    assert np.array_equal(read_rows(write(np.uint8([[0, 128, 192]]))), [[-1, 0, 0.5]])


def test_a_list_may_hold_utterances_of_different_lengths(write):
    rows = read_rows(write([np.float32([0.5]), np.float32([0.25, 1])]))
    assert [row.tolist() for row in rows] == [[0.5], [0.25, 1]]


@pytest.mark.parametrize("protocol", range(6))
def test_a_command_in_a_pickle_is_refused_and_not_run(write, tmp_path, protocol):
    ran = tmp_path / "ran"
    with pytest.raises(CorpusError, match=r"asks for \w+\.system, .* may be harmful"):
        read_rows(write([np.zeros(3), Runs(os.system, f"touch {ran}")], protocol))
    assert not ran.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (Runs(eval, "1"), r"asks for \w+\.eval"),
        (Runs(getattr, 1, "real"), r"asks for \w+\.getattr"),
        (Runs(np.load, "x"), "asks for numpy.load"),
        (np.float32(1), r"asks for numpy\._core\.multiarray\.scalar"),
        (np.array([[Runs(os.getpid)]], object), r"asks for \w+\.getpid"),
        (np.array([[1, "a"]], object), "type 'O8'"),
        (np.array([["a"]]), "type 'U1'"),
        (np.zeros((1, 2), [("a", "f4")]), "type 'V4'"),
        (np.zeros((1, 2), complex), "type 'c16'"),
        (np.zeros(3), "of shape"),
        (np.zeros((1, 2, 3)), "of shape"),
        ({"rows": 1}, "holds a dict"),
        ([[1, 2]], "holds a list"),
        (np.ndarray, "holds a _Name"),
        (Runs(np.dtype, "f4"), "holds a _Type"),
        (b"not a pickle", "no pickle file"),
        (pickle.dumps(np.zeros((2, 3)))[:-9], "no pickle file"),
        (b"", "no pickle file"),
        (b"cnumpy\ndtype\n}S'x'\nS'y'\nsb.", "not written as NumPy writes"),  # changes a name
        (b"cnumpy\nndarray\n(I9\ntR.", "not written as NumPy writes"),  # calls the class
    ],
)
def test_anything_but_numeric_arrays_is_refused(write, content, said):
    with pytest.raises(CorpusError, match=said):
        read_rows(write(content))


def test_bytes_that_do_not_fill_the_shape_are_refused(write):
    raw = pickle.dumps(np.zeros((2, 3), np.float32), 2)
    lying = raw.replace(b"K\x02K\x03\x86", b"K\x02K\x7f\x86")
    assert lying != raw
    with pytest.raises(CorpusError, match="no pickle file, or a damaged one"):
        read_rows(write(lying))
