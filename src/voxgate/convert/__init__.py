"""Checkpoints of public networks → packs. Needs torch: pip install 'voxgate[train]'.

One file for each architecture: a network whose parameters have the names that the public
checkpoint gives them, written after the paper and checked against the makers' own code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxgate.errors import CheckpointError, UsageError
from voxgate.frontends.presets import PRESETS
from voxgate.install import ModelFacts, check_name, install
from voxgate.packs import Pack

if TYPE_CHECKING:
    from torch import nn

    from voxgate.convert.checkpoint import Checkpoint


@dataclass(frozen=True)
class Recipe:
    """How a checkpoint becomes a network, and what it is fed."""

    build: "Callable[[Checkpoint], nn.Module]"  # (batch, frames, bands) → (batch, dim)
    like: str  # preset
    front_end: "Callable[[Checkpoint], dict[str, Any]]" = lambda checkpoint: {}  # what differs
    frames: int = 0  # it hears exactly so many; 0: any number


ARCHITECTURES = {  # name for --arch -> "module:recipe"
    "ecapa-speechbrain": "voxgate.convert.ecapa_speechbrain:RECIPE",
    "redimnet": "voxgate.convert.redimnet:RECIPE",
    "resemblyzer": "voxgate.convert.resemblyzer:RECIPE",
    "resnet-wespeaker": "voxgate.convert.resnet_wespeaker:RECIPE",
}


def convert(path: Path, *, arch: str, name: str, facts: ModelFacts) -> Pack:
    """Install a checkpoint as the pack `name`.

    Raises:
        CheckpointError: it is not safe to read, not of this architecture, or the exported
            model does not give the embeddings of the network.
        UsageError: the architecture or the name is not one.
    """
    from voxgate.convert.checkpoint import fill, read_checkpoint  # noqa: PLC0415
    from voxgate.convert.export import export_network  # noqa: PLC0415

    check_name(name)
    recipe = recipe_of(arch)
    checkpoint = read_checkpoint(path)
    preset = PRESETS[recipe.like]
    front_end = {**preset.front_end, **recipe.front_end(checkpoint)}
    network = fill(recipe.build(checkpoint), checkpoint, arch)
    model = export_network(network, front_end["bands"], frames=recipe.frames)
    table = preset.table("features", "embedding")
    origin = f"{arch} ".encode() + path.read_bytes()  # another exporter, the same embeddings
    return install(name, model, front_end, table, facts, origin=origin)


def recipe_of(arch: str) -> Recipe:
    """The recipe for an architecture.

    Raises:
        UsageError: it is not known.
    """
    if arch not in ARCHITECTURES:
        raise UsageError(f"--arch {arch} is not known; known are {', '.join(ARCHITECTURES)}.")
    module, _, name = ARCHITECTURES[arch].partition(":")
    recipe: Recipe = getattr(import_module(module), name)
    return recipe


def resemblyzer_weights() -> Path:
    """The checkpoint inside the installed package resemblyzer, whose code is not run.

    Raises:
        CheckpointError: the package is not installed.
    """
    spec = find_spec("resemblyzer")
    if spec is None or not spec.origin:
        raise CheckpointError(
            "The package resemblyzer, which carries its weights, is not installed. Run: "
            "pip install --no-deps resemblyzer==0.1.4"
        )
    return Path(spec.origin).with_name("pretrained.pt")
