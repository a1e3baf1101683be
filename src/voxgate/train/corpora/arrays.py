"""NumPy arrays out of pickle files, without letting the file run anything.

A pickle names functions that shall be called to build what it holds, so reading one from a
stranger runs the stranger's code. Here the few names that NumPy's arrays need (of all pickle
protocols, of NumPy 1 and 2) stand for inert records that only note what they are given; every
other name is refused. The array is then made from the noted shape, type and bytes, so that not
even NumPy's own unpickling, which trusts its input, sees what the file says.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxgate.errors import CorpusError

_ENCODE = ("_codecs", "encode")  # of protocols 0 to 2, for the bytes
_TYPE = ("numpy", "dtype")
_CLASS = ("numpy", "ndarray")
_CORES = ("numpy.core", "numpy._core")  # NumPy 1 and 2
_EMPTY = {(f"{core}.multiarray", "_reconstruct") for core in _CORES}  # filled by what follows
_FILLED = {(f"{core}.numeric", "_frombuffer") for core in _CORES}  # of protocol 5
_ADMITTED = {_ENCODE, _TYPE, _CLASS, *_EMPTY, *_FILLED}

_BROKEN = (  # what the pickle module raises on a damaged file, as far as is known
    pickle.UnpicklingError, AttributeError, EOFError, ImportError, IndexError, KeyError,
    MemoryError, OverflowError, RecursionError, TypeError, UnicodeError, ValueError,
)  # fmt: skip


def read_rows(path: Path) -> list[NDArray[np.float32]]:
    """The utterances of a .pkl file, each (samples,), integers scaled to [-1, 1].

    The file holds an array (utterances, samples) of floats or integers, or a list of arrays
    (samples,) that may differ in length.

    Raises:
        CorpusError: it is no such file, or holds anything but plain numeric arrays.
    """
    try:
        with path.open("rb") as file:
            found = _Arrays(file, encoding="latin1").load()
        rows = found if isinstance(found, list | tuple) else _array(found, 2)
        return [_scaled(_array(row, 1)) for row in rows]
    except _RefusedError as error:
        raise CorpusError(f"{path}: {error}") from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror or error}.") from None
    except _BROKEN as error:
        raise CorpusError(
            f"{path} is no pickle file, or a damaged one ({type(error).__name__}); "
            "save the array again."
        ) from None


class _RefusedError(Exception):
    """The pickle is not of numeric arrays alone."""


class _Arrays(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise _RefusedError(
                f"this pickle asks for {module}.{name}, and only plain numeric NumPy arrays are "
                "read; it may be harmful. Save the array alone, with numeric samples."
            )
        return _Name(module, name)

    def persistent_load(self, pid: Any) -> Any:
        raise _RefusedError("this pickle refers to something outside itself; save the array alone.")


class _Name:
    """Stands for one of the admitted names; calling it calls nothing of NumPy's."""

    __slots__ = ("_known",)

    def __init__(self, module: str, name: str) -> None:
        self._known = (module, name)

    def __call__(self, *given: Any) -> Any:
        if self._known == _ENCODE and len(given) == 2 and isinstance(given[0], str):
            return given[0].encode("latin1")
        if self._known == _TYPE:
            return _Type(given[0])
        if self._known in _EMPTY:
            return _Array()
        if self._known in _FILLED and len(given) == 4:
            content, kind, shape, order = given
            return _Array(shape, kind, content, fortran=order == "F")
        raise _RefusedError("this pickle is not written as NumPy writes arrays; save it again.")

    def __setstate__(self, state: Any) -> None:  # else a pickle could change what it stands for
        raise _RefusedError("this pickle is not written as NumPy writes arrays; save it again.")


class _Type:
    """What numpy.dtype was called with, and the byte order that was set afterwards."""

    def __init__(self, code: Any) -> None:
        self.code, self.order = code, "="

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]

    def dtype(self) -> "np.dtype[Any]":
        code = self.code if isinstance(self.code, str) else ""
        if code[:1] not in ("f", "i", "u") or code[1:] not in ("1", "2", "4", "8"):
            raise _RefusedError(
                f"it holds an array of type {str(self.code)[:40]!r}; only floats and integers are "
                "read. Pad the utterances to one length, or save a list of numeric arrays."
            )
        dtype: np.dtype[Any] = np.dtype(code).newbyteorder(">" if self.order == ">" else "<")
        return dtype


class _Array:
    """Shape, type and bytes of an array."""

    def __init__(
        self, shape: Any = None, kind: Any = None, content: Any = None, *, fortran: Any = False
    ) -> None:
        self.noted = (shape, kind, content, fortran)

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, fortran, content = state
        self.noted = (shape, kind, content, fortran)


def _array(found: Any, dimensions: int) -> NDArray[Any]:
    """Make the array that was noted; or pass on a row of one."""
    if isinstance(found, np.ndarray):
        return found
    if not isinstance(found, _Array):
        raise _RefusedError(
            f"it holds a {type(found).__name__}, not an array (utterances, samples); save the "
            "array alone."
        )
    shape, kind, content, fortran = found.noted
    if not isinstance(kind, _Type):
        raise _RefusedError("it holds an array without a type; save it again.")
    dtype = kind.dtype()
    if isinstance(content, str):  # of Python 2
        content = content.encode("latin1")
    if not isinstance(content, bytes | bytearray):
        raise _RefusedError("it holds an array of objects; save numeric samples.")
    if len(shape) != dimensions:
        raise _RefusedError(
            f"it holds an array of shape {shape}; it must be (utterances, samples), or a list of "
            "arrays (samples,)."
        )
    array: NDArray[Any] = np.frombuffer(content, dtype)
    shaped: NDArray[Any] = array.reshape(shape, order="F" if fortran else "C")
    return shaped


def _scaled(row: NDArray[Any]) -> NDArray[np.float32]:
    if row.dtype.kind == "f":
        return row.astype(np.float32)
    half = 2.0 ** (8 * row.dtype.itemsize - 1)  # unsigned integers have their zero there
    middle = half if row.dtype.kind == "u" else 0.0
    return ((row - middle) / half).astype(np.float32)
