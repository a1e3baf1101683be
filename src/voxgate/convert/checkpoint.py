"""Read checkpoints without running what is in them, and fill networks with them."""

import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from voxgate.errors import CheckpointError

_HOLDERS = ("state_dict", "model_state", "model", "modelState")  # keys that weights are kept under
_SEVERAL = "module."  # before the names of what was trained on several GPUs


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The weights by name, and whatever settings were saved beside them."""

    weights: Mapping[str, Tensor]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a weight.

        Raises:
            CheckpointError: there is none of that name.
        """
        if name not in self.weights:
            raise CheckpointError(
                f"The checkpoint has no weight {name!r}, so it is not of this architecture; it "
                f"has {len(self.weights)} weights, the first {next(iter(self.weights), None)!r}."
            )
        return tuple(self.weights[name].shape)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a .safetensors file, or one that torch.save wrote, tensors and plain values only.

    Raises:
        CheckpointError: it is neither, or holds anything that could run code.
    """
    try:
        if path.suffix == ".safetensors":
            return Checkpoint(load_file(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickles of another kind, which are refused
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: there is no such file.") from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than weights, and reading it could run code, so it is refused; "
            "save its state_dict alone, best as .safetensors."
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, SafetensorError) as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"{path} is not a checkpoint: {reason}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, not a dictionary.")
    held = next((content[key] for key in _HOLDERS if isinstance(content.get(key), dict)), content)
    weights = {key: value for key, value in held.items() if isinstance(value, Tensor)}
    if all(key.startswith(_SEVERAL) for key in weights):
        weights = {key.removeprefix(_SEVERAL): value for key, value in weights.items()}
    if not weights:
        raise CheckpointError(f"{path} holds no weights.")
    others = {} if held is content else {k: v for k, v in content.items() if v is not held}
    return Checkpoint(weights, others)


def fill(network: nn.Module, checkpoint: Checkpoint, arch: str) -> nn.Module:
    """The network with the weights of the checkpoint; what it has beyond them must be known.

    Raises:
        CheckpointError: a weight is missing, or of another shape.
    """
    wanted = network.state_dict()
    missing = [name for name in wanted if name not in checkpoint.weights]
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing:
        raise CheckpointError(
            f"The checkpoint is not a {arch}: it lacks {len(missing)} of {len(wanted)} weights, "
            f"such as {missing[0]}."
        )
    chosen = {name: checkpoint.weights[name] for name in wanted if name in checkpoint.weights}
    for name, weight in chosen.items():
        if weight.shape != wanted[name].shape:
            raise CheckpointError(
                f"The checkpoint's {name} is {tuple(weight.shape)}; a {arch} of this size has "
                f"{tuple(wanted[name].shape)}."
            )
        if weight.is_floating_point() and not weight.isfinite().all():
            raise CheckpointError(f"The checkpoint's {name} holds numbers that are not finite.")
    network.load_state_dict(chosen, strict=False)
    return network.eval()
