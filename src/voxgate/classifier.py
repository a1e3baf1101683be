"""Which of the speakers that a model was trained on is this? A softmax over a pack's embedding.

For a closed set: whoever speaks, somebody of the set is named. To find out whether it is anybody
of them at all, enrol them and identify.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxgate.atomic import complete_or_absent
from voxgate.errors import PackError

FILE = "classifier.npz"  # in a run's folder, beside its pack


@dataclass(frozen=True, eq=False)
class Classifier:
    """A dense layer and the names of its classes."""

    speakers: tuple[str, ...]
    weight: NDArray[np.float32]  # (speakers, dim)
    bias: NDArray[np.float32]  # (speakers,)

    def probabilities(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Unit vectors (n, dim) → probabilities (n, speakers), which add up to 1."""
        logits = vectors.astype(np.float64) @ self.weight.T + self.bias
        likely = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = likely / likely.sum(axis=1, keepdims=True)
        return shares

    def save(self, folder: Path) -> None:
        """Write classifier.npz in a folder."""
        with complete_or_absent(folder / FILE) as part, part.open("wb") as file:
            np.savez(file, speakers=np.array(self.speakers), weight=self.weight, bias=self.bias)


def load_classifier(folder: Path) -> Classifier:
    """Read classifier.npz of a folder.

    Raises:
        PackError: it is not there, or damaged.
    """
    try:
        with (folder / FILE).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            names = tuple(str(name) for name in stored["speakers"])
            return Classifier(names, stored["weight"], stored["bias"])
    except FileNotFoundError:
        raise PackError(
            f"{folder} has no {FILE}; it must be the folder of a run with data.closed_set above 0."
        ) from None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise PackError(f"{folder / FILE} is damaged; make the pack of the run again.") from error
