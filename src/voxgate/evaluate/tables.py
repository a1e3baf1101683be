"""The tables that figures are shown in: in a terminal, in Markdown, on the report's page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from voxgate.evaluate.bootstrap import Interval
from voxgate.evaluate.evaluation import Result
from voxgate.evaluate.identification import FPIRS
from voxgate.evaluate.summary import PRIORS, Figures

NOTHING = "-"  # where there is no figure


@dataclass(frozen=True)
class Table:
    """Rows under headers. Texts come first, then figures."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str  # what the columns mean
    texts: int = 1  # columns that are no figures

    @property
    def align(self) -> str:
        """An l or r for each column."""
        return "l" * self.texts + "r" * (len(self.headers) - self.texts)


def tables(results: Sequence[Result]) -> list[Table]:
    """All there is to tell, the most important first."""
    found = [_errors(results), _decisions(results), _costs(results), _searches(results)]
    found += [
        _condition(results, kind)
        for kind in dict.fromkeys(k for r in results for k in r.conditions)
    ]
    found.append(_systems(results))
    return [table for table in found if table.rows]


def as_markdown(results: Sequence[Result]) -> str:
    """All tables, for a page of documentation."""
    return "\n".join(_markdown(table) for table in tables(results))


def _markdown(table: Table) -> str:
    rule = ["---" if side == "l" else "---:" for side in table.align]
    rows = [table.headers, rule, *table.rows]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return f"## {table.title}\n\n" + "\n".join(lines) + f"\n\n{table.note}\n"


def _errors(results: Sequence[Result]) -> Table:
    rows = [
        (
            *who,
            f"{f.trials:,}",
            f"{f.speakers:,}",
            percent(f.eer, 2),
            interval(f.eer_95),
            *(percent(f.by_kind[k].eer, 2) if k in f.by_kind else NOTHING for k in _KINDS),
            cost(f.min_dcf["0.01"]),
            cost(f.cllr),
            cost(f.min_cllr),
        )
        for who, f in _each(results)
    ]
    headers = (
        *_who(results), "trials", "speakers", "EER %", "95 %", "cosine", "AS-norm",
        "minDCF 0.01", "Cllr", "min Cllr",
    )  # fmt: skip
    note = (
        "EER of the deciding score, its 95 % interval by drawing the speakers anew; then the EER "
        "of the cosine alone and after AS-norm. Pooled: all lists under one threshold."
    )
    return Table("Error rates", headers, tuple(rows), note, len(_who(results)))


_KINDS = ("cosine", "as_norm")


def _decisions(results: Sequence[Result]) -> Table:
    rows = [
        (
            *who,
            percent(f.false_accept),
            percent(f.miss),
            percent(f.accuracy),
            percent(f.best_accuracy),
            percent(f.balanced_accuracy),
            percent(f.pair_accuracy),
        )
        for who, f in _each(results)
    ]
    headers = (
        *_who(results), "false accepts %", "misses %", "accuracy %", "best %",
        "on balanced pairs %", "best %",
    )  # fmt: skip
    note = (
        "At the system's own threshold for a false-accept rate of 1 %; best: at the threshold that "
        "suits these trials best. On balanced pairs, strangers count as much as true matches: "
        "what the literature on pairs reports."
    )
    return Table("Decisions", headers, tuple(rows), note, len(_who(results)))


def _costs(results: Sequence[Result]) -> Table:
    keys = [f"{prior:g}" for prior in PRIORS]
    rows = [
        (*who, *(c for k in keys for c in (cost(f.min_dcf[k]), cost((f.act_dcf or {}).get(k)))))
        for who, f in _each(results)
    ]
    headers = (*_who(results), *(f"{m} {key}" for key in keys for m in ("minDCF", "actDCF")))
    note = (
        "Detection costs at three priors of a true match, relative to not listening at all: at the "
        "best threshold, and at the one that the LLR itself calls for."
    )
    return Table("Detection costs", headers, tuple(rows), note, len(_who(results)))


def _searches(results: Sequence[Result]) -> Table:
    rows = [
        (
            *_named(results, result, name),
            f"{s.enrolled:,}",
            f"{s.mated:,}",
            percent(s.rank_1),
            *(percent(s.fnir[f"{fpir:g}"]) for fpir in FPIRS),
            *(percent(s.fnir_cosine[f"{fpir:g}"]) for fpir in FPIRS),
        )
        for result in results
        for name, s in result.searches.items()
    ]
    headers = (
        *_who(results), "enrolled", "searches", "first %",
        *(f"FNIR at {100 * fpir:g} %" for fpir in FPIRS),
        *(f"cosine at {100 * fpir:g} %" for fpir in FPIRS),
    )  # fmt: skip
    note = (
        "Searching among the enrolled half of the speakers: how often the right one comes first, "
        "and how often they are not returned (FNIR, %) where so many strangers get a name (FPIR)."
    )
    return Table("Identification", headers, tuple(rows), note, len(_who(results)))


def _condition(results: Sequence[Result], kind: str) -> Table:
    rows = []
    for result in results:
        for name, f in result.conditions.get(kind, {}).items():
            figures: tuple[str, ...] = (NOTHING,) * 6
            if f:
                figures = (
                    f"{f.trials:,}", f"{f.speakers:,}", percent(f.eer, 2), interval(f.eer_95),
                    cost(f.min_dcf["0.01"]), cost(f.cllr),
                )  # fmt: skip
            rows.append((*_named(results, result, name), *figures))
    headers = (
        *_who(results, kind), "trials", "speakers", "EER %", "95 %", "minDCF 0.01", "Cllr",
    )  # fmt: skip
    note = "A dash: fewer than 20 trials of one kind."
    return Table(f"By {kind}", headers, tuple(rows), note, len(_who(results)))


def _systems(results: Sequence[Result]) -> Table:
    rows = [
        (
            result.name,
            number(result.size_mb, 1),
            number(result.real_time_factor, 4),
            NOTHING if result.without_speech is None else f"{result.without_speech:,}",
        )
        for result in results
        if result.size_mb is not None
    ]
    headers = ("system", "MB", "real-time factor", "without speech")
    note = (
        "Size of the pack's files; processor seconds from recording to embedding for a second "
        "of recording; recordings in which too little speech was found, scored all the same."
    )
    return Table("Size and speed", headers, tuple(rows), note)


def percent(rate: float | None, digits: int = 1) -> str:
    """Such as "8.4", of a rate in [0, 1]."""
    return NOTHING if rate is None else f"{100 * rate:.{digits}f}"


def cost(value: float | None) -> str:
    """Such as "0.492"."""
    return number(value, 3)


def number(value: float | None, digits: int) -> str:
    """Such as "0.0155"."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def interval(rates: Interval | None) -> str:
    """Such as "6.4 to 11.2", in %."""
    return NOTHING if rates is None else f"{percent(rates.low)} to {percent(rates.high)}"


def _who(results: Sequence[Result], of: str = "set") -> tuple[str, ...]:
    """The first headers: the system is only named where there are several."""
    return ("system", of) if len(results) > 1 else (of,)


def _named(results: Sequence[Result], result: Result, name: str) -> tuple[str, ...]:
    return (result.name, name) if len(results) > 1 else (name,)


def _each(results: Sequence[Result]) -> Iterator[tuple[tuple[str, ...], Figures]]:
    """Every list of every system."""
    for result in results:
        for name, figures in result.figures.items():
            yield _named(results, result, name), figures
