"""How a run went, as a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from voxgate.atomic import complete_or_absent


def draw_curves(lines: Sequence[dict[str, Any]], path: Path) -> None:
    """Loss, accuracy and held-out EER over the steps of log.jsonl, as a PNG file.

    Raises:
        OutputError: it cannot be written.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  (slow to import)

    steps = [line["step"] for line in lines]
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    loss, accuracy, errors = figure.subplots(1, 3)
    loss.plot(steps, [line["loss"] for line in lines], marker=".")
    loss.set_title("loss")
    accuracy.plot(steps, [100 * line["accuracy"] for line in lines], marker=".")
    accuracy.set_title("accuracy on training batches, %")
    for name in sorted({name for line in lines for name in line["held_out_eer"]}):
        rates = [line["held_out_eer"].get(name) for line in lines]
        errors.plot(steps, rates, marker=".", label=name)
    errors.set_title("EER of held-out speakers, %")
    if errors.lines:
        errors.legend(fontsize="small")
    for axes in (loss, accuracy, errors):
        axes.set_xlabel("step")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    with complete_or_absent(path) as part:
        figure.savefig(part, format="png", dpi=110)
