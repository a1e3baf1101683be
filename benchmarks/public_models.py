"""The table of public models: what their makers publish, and how fast they are here.

    python benchmarks/public_models.py --write docs/models/choosing.md

Speed is that of a network of the same architecture and size with random weights (published ones
cannot be had where this is run; random ones take as long), front end included, on one thread, for
5 s of speech; processor time, median of rounds. Needs voxgate[train].
"""

import os

for _pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_pool] = "1"  # before numpy is loaded

import argparse  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from statistics import median  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from frontends import as_markdown, between  # noqa: E402
from torch import nn  # noqa: E402

from voxgate.convert.ecapa_speechbrain import Ecapa  # noqa: E402
from voxgate.convert.ecapa_speechbrain import Sizes as EcapaSizes  # noqa: E402
from voxgate.convert.export import export_network  # noqa: E402
from voxgate.convert.redimnet import ReDimNet  # noqa: E402
from voxgate.convert.resemblyzer import GE2E  # noqa: E402
from voxgate.convert.resnet_wespeaker import Basic, Bottleneck, ResNet  # noqa: E402
from voxgate.convert.resnet_wespeaker import Sizes as ResNetSizes  # noqa: E402
from voxgate.embed import Embedder  # noqa: E402
from voxgate.frontends.presets import PRESETS  # noqa: E402
from voxgate.hub import entries  # noqa: E402
from voxgate.install import ModelFacts, install  # noqa: E402
from voxgate.packs import load_pack  # noqa: E402

SECONDS = 5
_KERNEL = [(3, 3)]
_B2 = {
    "F": 72, "C": 16, "block_1d_type": "conv+att", "block_2d_type": "convnext_like",
    "stages_setup": [
        (1, 2, 1, _KERNEL, 12), (2, 2, 1, _KERNEL, 12), (1, 3, 1, _KERNEL, 12),
        (2, 4, 1, _KERNEL, 8), (1, 4, 1, _KERNEL, 8), (2, 4, 1, _KERNEL, 4),
    ],
    "group_divisor": 4, "out_channels": None, "global_context_att": True,
}  # fmt: skip
_B6 = {
    **_B2, "C": 32, "block_2d_type": "basic_resnet", "group_divisor": 32,
    "stages_setup": [
        (1, 4, 4, _KERNEL, 32), (2, 6, 2, _KERNEL, 32), (1, 6, 2, _KERNEL, 24),
        (3, 8, 1, _KERNEL, 24), (1, 8, 1, _KERNEL, 16), (2, 8, 1, _KERNEL, 16),
    ],
}  # fmt: skip

NETWORKS: dict[str, tuple[Callable[[], nn.Module], str]] = {  # entry -> network, preset
    "wespeaker-resnet34": (
        lambda: ResNet(ResNetSizes(Basic, (3, 4, 6, 3), 32, 5120, 256, two_layers=False)),
        "wespeaker",
    ),
    "wespeaker-resnet293": (
        lambda: ResNet(ResNetSizes(Bottleneck, (10, 20, 64, 3), 32, 20480, 256, two_layers=False)),
        "wespeaker",
    ),
    "speechbrain-ecapa": (
        lambda: Ecapa(EcapaSizes(80, 1024, 3072, 8, 128, 128, 192)), "speechbrain-ecapa",
    ),
    "redimnet-b2": (lambda: ReDimNet(_B2, 128), "redimnet"),
    "redimnet-b6": (lambda: ReDimNet(_B6, 128), "redimnet"),
    "resemblyzer": (lambda: GE2E(40, 256, 256), "resemblyzer"),
}  # fmt: skip


def main() -> None:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", type=Path, metavar="PAGE")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    speech = np.random.default_rng(0).normal(0, 0.1, SECONDS * 16_000).astype(np.float32)
    shares = {"ecapa-compact": share(Embedder(load_pack("ecapa-compact")), speech, options.rounds)}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VOXGATE_PACKS"] = folder
        for name, (build, like) in NETWORKS.items():
            shares[name] = share(random_pack(build, like), speech, options.rounds)
            print(f"{name}: {shares[name]:.4f}", flush=True)
    table = as_markdown(rows(shares))
    print(table)
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        options.write.write_text(between(page, "models", table), encoding="utf-8")


def random_pack(build: Callable[[], nn.Module], like: str) -> Embedder:
    """A pack of this network with random weights."""
    torch.manual_seed(0)
    preset = PRESETS[like]
    frames = preset.model.get("window_frames", 0)
    model = export_network(build().eval(), preset.front_end["bands"], frames=frames)
    table = preset.table("features", "embedding")
    return Embedder(install("random", model, preset.front_end, table, ModelFacts("random")))


def share(embedder: Embedder, speech: np.ndarray, rounds: int) -> float:
    """Processor seconds to embed a second of speech."""
    embedder.embed_waveform(speech)
    times = []
    for _ in range(rounds):
        start = time.process_time()
        embedder.embed_waveform(speech)
        times.append(time.process_time() - start)
    return median(times) / SECONDS


def rows(shares: dict[str, float]) -> list[list[str]]:
    """A line for each public model."""
    found = [
        [
            "model",
            "EER % published",
            "how scored",
            "numbers",
            "M weights",
            "file",
            "speed",
            "licence",
        ]
    ]
    for name, entry in entries().items():
        rates = [
            f"{value:g} ({which.removesuffix(' EER %').removeprefix('VoxCeleb1-')})"
            for which, value in entry.published.items()
        ]
        size = f"{entry.bytes / 1e6:.0f} MB" if entry.bytes else "-"
        weights = f"{entry.parameters_millions:g}" if entry.parameters_millions else "-"
        found.append(
            [
                f"`{name}`", " ".join(rates) or "-", entry.published_scoring or "-",
                str(entry.dim), weights, size,
                f"{shares[name]:.4f}" if name in shares else "-", entry.license,
            ]
        )  # fmt: skip
    own = f"{shares['ecapa-compact']:.4f}"
    found.append(
        [
            "`ecapa-compact` (built in)",
            "see its [model card](ecapa-compact.md)",
            "-",
            "256",
            "-",
            "in the wheel",
            own,
            "Apache-2.0",
        ]
    )
    return found


if __name__ == "__main__":
    main()
