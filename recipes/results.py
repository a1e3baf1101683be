"""The table of all systems: recipes/RESULTS.md.

voxgate evaluate --data DATA/dev --pack RUN/pack --pack RUN2/pack … --out EVALUATION
python recipes/results.py EVALUATION RUN RUN2 … > table.md
"""

import argparse
from pathlib import Path

from voxgate.evaluate import results
from voxgate.evaluate.evaluation import Result
from voxgate.packs import load_pack
from voxgate.train.run_folder import RunFolder

RECIPES = Path(__file__).parent

HEADINGS = (
    "system", "EER %", "95 %", "cosine", "minDCF 0.01", "Cllr", "min Cllr",
    "pairs: voxforge", "pairs: librispeech", "MB", "trained in", "speed", "made by",
)  # fmt: skip


def main() -> None:
    """Print the table, a row a run, the best first."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("evaluation", type=Path, help="what voxgate evaluate --out wrote")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of voxgate train")
    options = parser.parse_args()
    measured = {result.name: result for result in results.load(options.evaluation).results}
    rows = []
    for run in options.runs:
        pack = load_pack(run / "pack")
        seconds = RunFolder(run).lines()[-1]["seconds"]
        result = measured[pack.id]
        rows.append((result.figures["pooled"].eer, row_of(pack.name, result, seconds)))
    print("| " + " | ".join(HEADINGS) + " |")
    print("| --- |" + " ---: |" * (len(HEADINGS) - 1))
    for _, row in sorted(rows):
        print("| " + " | ".join(row) + " |")


def row_of(name: str, result: Result, seconds: float) -> list[str]:
    """One system's figures over all trials, and on balanced pairs of two sets."""
    recipe = recipe_of(name)
    pooled = result.figures["pooled"]
    interval = pooled.eer_95
    pairs = [result.figures[which].pair_accuracy for which in ("voxforge", "librispeech")]
    return [
        f"[{name}]({recipe.parent.name}/README.md)",
        f"{100 * pooled.eer:.2f}",
        f"{100 * interval.low:.1f} to {100 * interval.high:.1f}" if interval else "",
        f"{100 * pooled.by_kind['cosine'].eer:.2f}",
        f"{pooled.min_dcf['0.01']:.3f}",
        "" if pooled.cllr is None else f"{pooled.cllr:.3f}",
        f"{pooled.min_cllr:.3f}",
        *(f"{100 * share:.1f} %" for share in pairs),
        f"{result.size_mb:.1f}",
        f"{seconds / 60:.0f} min",
        f"{result.real_time_factor:.4f}",
        f"`voxgate train recipes/{recipe.relative_to(RECIPES).as_posix()}`",
    ]


def recipe_of(name: str) -> Path:
    """The file of the recipe that a pack is named after: `<recipe>` or `<recipe>-<variant>`."""
    if (RECIPES / name).is_dir():
        return RECIPES / name / "experiment.toml"
    folder, _, variant = name.rpartition("-")
    return RECIPES / folder / f"experiment-{variant}.toml"


if __name__ == "__main__":
    main()
