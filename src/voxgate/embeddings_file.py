"""Many embeddings in one file, written so that an interrupted run can go on where it was.

While a run lasts, each finished recording is a line of JSON in a journal beside the output,
handed to the system at once: whatever ends the process, what was finished is there. At the end
the output is written whole, and the journal removed. Formats, by suffix:

- `.npz`: `names` (n,) text, `embeddings` (n, dim) float32 of unit length, `speech_s` (n,)
  float64, `computed_at` (n,) float64 in seconds since 1970, `pack` () text.
- `.parquet`: the columns `name`, `embedding` (a list of dim float32), `speech_s`, `computed_at`,
  `pack`.
"""

import base64
import json
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voxgate.atomic import cannot_write, complete_or_absent
from voxgate.errors import OutputError, UsageError
from voxgate.extras import need


@dataclass(frozen=True, eq=False)
class Row:
    """One recording's embedding."""

    name: str
    vector: NDArray[np.float32]  # (dim,), unit length
    speech_s: float
    computed_at: float  # just before the recording was read, in seconds since 1970
    pack: str

    @property
    def fresh(self) -> bool:
        """Whether the recording has been left alone since."""
        try:
            found = Path(self.name).stat()
        except OSError:
            return False
        return max(found.st_mtime, found.st_ctime) <= self.computed_at


class Journal:
    """What an unfinished run has done so far: a file beside the output that only grows."""

    def __init__(self, output: Path) -> None:
        self.path = output.with_name(f"{output.name}.journal")

    def rows(self) -> list[Row]:
        """What earlier runs have left; a line that was cut short in its writing is cut off.

        Raises:
            OutputError: it cannot be read, or is something else.
        """
        rows, length = [], 0
        try:
            with self.path.open("r+b") as file:
                for line in file:
                    if line.endswith(b"\n"):
                        rows.append(_row_from(line, self.path))
                        length += len(line)
                file.truncate(length)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise cannot_write(self.path, error) from error
        return rows

    def add(self, row: Row) -> None:
        """Keep a row; it survives this process from the moment this returns.

        Raises:
            OutputError: it cannot be written.
        """
        vector = base64.b64encode(row.vector.astype("<f4").tobytes()).decode()
        line = json.dumps({**asdict(row), "vector": vector})
        try:
            with self.path.open("ab") as file:
                file.write(line.encode() + b"\n")
        except OSError as error:
            if self.path.exists() and not self.path.stat().st_size:
                self.remove()
            raise cannot_write(self.path, error) from error

    def remove(self) -> None:
        """Drop it: the output is complete, or everything shall be done again."""
        self.path.unlink(missing_ok=True)


def _row_from(line: bytes, path: Path) -> Row:
    try:
        entry = json.loads(line)
        vector = np.frombuffer(base64.b64decode(entry.pop("vector")), "<f4")
        return Row(vector=vector.astype(np.float32), **entry)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise OutputError(f"{path}: is not a journal, or is damaged; delete it.") from error


def rows_done(output: Path, journal: Journal, names: Collection[str], pack: str) -> dict[str, Row]:
    """The rows of earlier runs, of the output and of the journal, that still hold; by name.

    Raises:
        UsageError: there are rows of another pack, or of a recording that is not in `names`:
            they would be lost.
        OutputError: the output that is there cannot be read.
    """
    found = [*(read(output) if output.exists() else ()), *journal.rows()]
    remedy = "give another --output, or throw it away with --restart"
    for row in found:
        if row.pack != pack:
            raise UsageError(f"{output}: begun with the pack {row.pack}, not {pack}; {remedy}.")
        if row.name not in names:
            raise UsageError(f"{output}: holds {row.name}, which is not among yours; {remedy}.")
    return {row.name: row for row in found if row.fresh}


def check_writable(output: Path) -> None:
    """Find out before the work whether the output can be written after it.

    Raises:
        UsageError: the suffix is none of FORMATS.
        MissingExtraError: the format needs an extra that is not installed.
    """
    if output.suffix not in FORMATS:
        raise UsageError(f"{output}: embeddings are written as {' or '.join(FORMATS)}.")
    FORMATS[output.suffix].check()


def write(output: Path, rows: Sequence[Row]) -> None:
    """Write one row or more, all of one pack; the file is complete, or as it was before.

    Raises:
        OutputError: it cannot be written.
    """
    with complete_or_absent(output) as part:
        FORMATS[output.suffix].write(part, rows)


def read(output: Path) -> list[Row]:
    """Read what `write` has written.

    Raises:
        OutputError: it cannot be read, or is something else.
    """
    try:
        return list(FORMATS[output.suffix].read(output))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise OutputError(
            f"{output}: is there already and holds no embeddings of voxgate; "
            "give another --output, or delete it."
        ) from error


def _write_npz(part: Path, rows: Sequence[Row]) -> None:
    with part.open("wb") as file:
        np.savez(
            file,
            names=np.array([row.name for row in rows]),
            embeddings=np.stack([row.vector for row in rows]),
            speech_s=np.array([row.speech_s for row in rows]),
            computed_at=np.array([row.computed_at for row in rows]),
            pack=np.array(rows[0].pack),
        )


def _read_npz(output: Path) -> Iterator[Row]:
    with np.load(output) as arrays:
        names, vectors = arrays["names"].tolist(), arrays["embeddings"]
        times = arrays["speech_s"].tolist(), arrays["computed_at"].tolist()
        packs = [str(arrays["pack"])] * len(names)
    yield from map(Row, names, vectors, *times, packs)


def _write_parquet(part: Path, rows: Sequence[Row]) -> None:
    arrow, parquet = need("pyarrow", "parquet"), need("pyarrow.parquet", "parquet")
    flat = np.concatenate([row.vector for row in rows])
    table = arrow.table(
        {
            "name": [row.name for row in rows],
            "embedding": arrow.FixedSizeListArray.from_arrays(flat, len(rows[0].vector)),
            "speech_s": [row.speech_s for row in rows],
            "computed_at": [row.computed_at for row in rows],
            "pack": arrow.array([row.pack for row in rows]).dictionary_encode(),
        }
    )
    parquet.write_table(table, part)


def _read_parquet(output: Path) -> Iterator[Row]:
    table = need("pyarrow.parquet", "parquet").read_table(output)
    for row in table.to_pylist():
        yield Row(vector=np.array(row.pop("embedding"), np.float32), **row)


class _Format(NamedTuple):
    check: Callable[[], object]  # whether its extra is installed
    write: Callable[[Path, Sequence[Row]], None]
    read: Callable[[Path], Iterator[Row]]


FORMATS = {
    ".npz": _Format(lambda: None, _write_npz, _read_npz),
    ".parquet": _Format(lambda: need("pyarrow", "parquet"), _write_parquet, _read_parquet),
}
