"""The table a benchmark ends with: what was measured, beside the peer and the limit."""

from collections.abc import Sequence
from typing import NamedTuple

HEADERS = ("", "voxgate", "peer", "ratio", "limit", "")


class Figure(NamedTuple):
    """One thing measured; less is better."""

    what: str
    value: float
    unit: str
    peer: float | None = None  # the same of the software it is compared with
    limit: float | None = None

    @property
    def kept(self) -> bool:
        return self.limit is None or self.value <= self.limit

    def cells(self) -> tuple[str, ...]:
        ratio = None if self.peer is None else self.value / self.peer
        verdict = "" if self.limit is None else "kept" if self.kept else "MISSED"
        return (
            self.what,
            *(self._with_unit(number) for number in (self.value, self.peer)),
            "" if ratio is None else f"{ratio:.2g}",
            self._with_unit(self.limit),
            verdict,
        )

    def _with_unit(self, number: float | None) -> str:
        return "" if number is None else f"{number:.3g} {self.unit}".rstrip()


def conclude(figures: Sequence[Figure]) -> None:
    """Print the table, and exit with 1 if a limit is missed."""
    rows = [HEADERS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADERS))]
    for name, *numbers in rows:
        cells = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
        print("  ".join([name.ljust(widths[0]), *cells]).rstrip())
    if not all(figure.kept for figure in figures):
        raise SystemExit(1)
