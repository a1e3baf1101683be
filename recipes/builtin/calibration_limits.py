"""How near Cllr could come to min Cllr on each set, if the set were calibrated on its own trials.

    voxgate evaluate --data DATA/dev --out EVALUATION
    python recipes/builtin/calibration_limits.py EVALUATION/scores/1-*.csv

Prints, for each list of trials: Cllr of the LLRs as they are; after the one shift, and after the
one straight line, that are best for these very trials; min Cllr, after the best monotone curve.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from voxgate.evaluate import cllr, min_cllr

Floats = NDArray[np.float64]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scores", type=Path, help="of voxgate evaluate --out")
    with parser.parse_args().scores.open(newline="") as file:
        rows = list(csv.DictReader(file))
    name = np.array([row["list"] for row in rows])
    target = np.array([row["target"] == "1" for row in rows])
    llr = np.array([float(row["llr"]) for row in rows])
    print(
        "| set | Cllr | shifted | on a line | min Cllr | Cllr / min | shifted / min | line / min |"
    )
    print(f"|---|{'---:|' * 7}")
    for each in (*np.unique(name), "pooled"):
        own = (name == each) | (each == "pooled")
        costs = costs_of(llr[own], target[own])
        ratios = [f"{cost / costs[-1]:.2f}" for cost in costs[:-1]]
        print(f"| {each} | {' | '.join([*(f'{cost:.3f}' for cost in costs), *ratios])} |")


def costs_of(llr: Floats, target: NDArray[np.bool_]) -> list[float]:
    """Cllr, after the best shift, after the best line, and min Cllr."""

    def best(*begin: float) -> float:
        """Of a line that begins as (shift) or (shift, slope)."""

        def cost(line: Floats) -> float:
            slope = line[1] if len(line) > 1 else 1.0
            return cllr(slope * llr + line[0], target)

        return float(minimize(cost, begin, method="Nelder-Mead").fun)

    return [cllr(llr, target), best(0.0), best(0.0, 1.0), min_cllr(llr, target)]


if __name__ == "__main__":
    main()
