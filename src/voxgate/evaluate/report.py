"""One page that shows an evaluation: tables, pictures, the worst trials to listen to.

The page is one HTML file with everything in it, for light and dark and for a telephone; nothing is
loaded from anywhere but the recordings that it links to. Its pictures lie beside it as PNGs.
"""

from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.resources import files
from pathlib import Path
from typing import Any

from voxgate import __version__
from voxgate.atomic import complete_or_absent
from voxgate.evaluate.evaluation import Evaluation, Result
from voxgate.evaluate.pictures import COLOURS, pictures, png, svg
from voxgate.evaluate.tables import Table, cost, interval, number, percent, tables
from voxgate.evaluate.trials import POOLED
from voxgate.evaluate.worst import worst
from voxgate.extras import need

_OPEN = 3  # tables shown at once; the others are unfolded


def write_report(
    evaluation: Evaluation, page: Path, *, title: str = "", anonymous: bool = False
) -> list[Path]:
    """Write the page and the PNGs beside it; give their paths.

    Args:
        evaluation: what was measured.
        page: the HTML file; PNGs are named after it.
        title: the page's heading.
        anonymous: leave out the names of recordings and speakers, and links to them.

    Raises:
        MissingExtraError: jinja2 or matplotlib is not installed.
        OutputError: a file cannot be written.
    """
    drawn = pictures(evaluation.systems, evaluation.results)
    template = files("voxgate.evaluate").joinpath("report.html.j2").read_text(encoding="utf-8")
    environment = need("jinja2", "evaluate").Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    text = environment.from_string(template).render(
        title=title or _title(evaluation.results),
        evaluation=evaluation,
        made=datetime.now(timezone.utc).strftime("%d %B %Y"),
        version=__version__,
        colours=list(COLOURS.values()),
        tiles=_tiles(evaluation.results),
        summary=_summary(evaluation.results),
        pictures=[(p, svg(p.figure)) for p in drawn],
        tables=[(table, i < _OPEN) for i, table in enumerate(tables(evaluation.results))],
        worst=worst(evaluation, page, anonymous=anonymous),
        anonymous=anonymous,
        totals=_totals(evaluation),
    )
    written = [page]
    with complete_or_absent(page) as part:
        part.write_text(text, encoding="utf-8")
    for picture in drawn:
        path = page.with_name(f"{page.stem}-{picture.name}.png")
        with complete_or_absent(path) as part:
            part.write_bytes(png(picture.figure))
        written.append(path)
    return written


def _title(results: Sequence[Result]) -> str:
    names = [result.name for result in results]
    return names[0] if len(names) == 1 else f"{len(names)} systems compared"


def _totals(evaluation: Evaluation) -> dict[str, Any]:
    """How much it rests on."""
    pooled = evaluation.results[0].figures[POOLED]
    names = {name for trials in evaluation.lists for name in trials.recordings()}
    return {
        "trials": f"{pooled.trials:,}",
        "speakers": f"{pooled.speakers:,}",
        "recordings": f"{len(names):,}",
        "lists": ", ".join(trials.name for trials in evaluation.lists),
    }


def _tiles(results: Sequence[Result]) -> list[tuple[str, str, str]]:
    """The headline figures of the only system: name, figure, remark."""
    if len(results) > 1:
        return []
    (result,) = results
    f = result.figures[POOLED]
    searches = result.searches.get(POOLED)
    tiles = [
        ("Equal error rate", f"{percent(f.eer)} %", f"95 %: {interval(f.eer_95)} %"),
        ("Detection cost, prior 0.01", cost(f.min_dcf["0.01"]), "1 is as bad as not listening"),
        ("Accuracy on balanced pairs", f"{percent(f.pair_accuracy)} %", "at the best threshold"),
    ]  # fmt: skip
    if f.cllr is not None:
        tiles.insert(2, ("Cllr", cost(f.cllr), f"{cost(f.min_cllr)} with the best calibration"))
    if searches:
        tiles.append(
            (
                f"Missed among {searches.enrolled:,}",
                f"{percent(searches.fnir['0.01'])} %",
                "FNIR at an FPIR of 1 %",
            )
        )
    if result.real_time_factor:
        speed = f"{1 / result.real_time_factor:,.0f} x"
        tiles.append(("Speed", speed, f"real time, on one thread; {number(result.size_mb, 1)} MB"))
    return tiles


def _summary(results: Sequence[Result]) -> Table | None:
    """Several systems at a glance, the best first."""
    if len(results) < 2:
        return None
    rows = []
    for result in sorted(results, key=lambda r: r.figures[POOLED].eer):
        f, searches = result.figures[POOLED], result.searches.get(POOLED)
        rows.append(
            (
                result.name,
                percent(f.eer, 2),
                interval(f.eer_95),
                cost(f.min_dcf["0.01"]),
                cost(f.cllr),
                percent(f.pair_accuracy),
                percent(searches.fnir["0.01"] if searches else None),
                number(result.size_mb, 1),
                number(result.real_time_factor, 4),
            )
        )
    headers = (
        "system", "EER %", "95 %", "minDCF 0.01", "Cllr", "balanced pairs %", "FNIR at 1 %", "MB",
        "real-time factor",
    )  # fmt: skip
    return Table("Systems", headers, tuple(rows), "All lists under one threshold, the best first.")
