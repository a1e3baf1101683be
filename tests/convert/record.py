"""Record what SpeechBrain's own ECAPA_TDNN gives for seeded weights.

    python tests/convert/record.py

It takes SpeechBrain (see benchmarks/frontend_references.py), which does not install beside the
torch used here without a trick, so the tests compare with what is recorded.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parents[1] / "benchmarks")]

from frontend_references import with_speechbrain  # noqa: E402
from seeded import features, weights_of  # noqa: E402

SIZES = {
    "small": {"channels": [32, 32, 32, 32, 96], "attention_channels": 16, "se_channels": 12},
    "published": {"channels": [1024, 1024, 1024, 1024, 3072]},
}
FRAMES = (60, 217)


def main() -> None:
    """Write the file."""
    warnings.simplefilter("ignore")
    with_speechbrain()
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN  # noqa: PLC0415

    found = {}
    for name, sizes in SIZES.items():
        network = ECAPA_TDNN(80, lin_neurons=192, **sizes).eval()
        network.load_state_dict(weights_of(network))
        for frames in FRAMES:
            with torch.no_grad():
                out = network(torch.from_numpy(features(frames, 80)))
            found[f"{name} {frames}"] = out[0, 0].numpy()
        shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
        found[f"{name} names"] = np.array([f"{k} {v}" for k, v in shapes.items()])
    np.savez_compressed(HERE / "speechbrain_ecapa.npz", **found)


if __name__ == "__main__":
    main()
