"""All that a checkpoint holds, and what is stepped."""

import copy
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from voxgate.atomic import complete_or_absent
from voxgate.errors import TrainingError
from voxgate.train.config import Experiment
from voxgate.train.losses import LOSSES, away_from
from voxgate.train.model import SpeakerModel
from voxgate.train.spec_augment import mask

_PARTS = ("model", "loss", "average", "optimiser")


@dataclass
class State:
    """A run at one step."""

    model: SpeakerModel
    loss: Any  # a losses.Loss that is also a module
    average: SpeakerModel  # moving average of the model, which is exported
    optimiser: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0  # of training, over all its parts
    waited: float = 0.0  # of these, for data

    def save(self, path: Path) -> None:
        """Write a checkpoint; whatever happens on the way, there is a whole one.

        Raises:
            OutputError: it cannot be written; the one before is still there.
        """
        states = {name: getattr(self, name).state_dict() for name in _PARTS}
        facts = {"step": self.step, "seconds": self.seconds, "waited": self.waited}
        _write({**states, **facts}, path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            TrainingError: it is damaged, or of another experiment.
        """
        try:
            stored = torch.load(path, weights_only=True, map_location="cpu")
            for name in _PARTS:
                getattr(self, name).load_state_dict(stored[name])
            self.step = stored["step"]
        except Exception as error:
            raise TrainingError(
                f"{path} is damaged, or of another experiment; train anew in another run folder."
            ) from error
        self.seconds, self.waited = stored.get("seconds", 0.0), stored.get("waited", 0.0)


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a model's weights.

    Raises:
        OutputError: they cannot be written.
    """
    _write(model.state_dict(), path)


def _write(content: dict[str, Any], path: Path) -> None:
    """Have it on the disk as a whole, or not at all."""
    with complete_or_absent(path) as part, part.open("wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:  # what torch makes of a full disk
            raise OSError(str(error).splitlines()[0]) from error
        file.flush()
        os.fsync(file.fileno())


def start(experiment: Experiment, classes: int, device: torch.device) -> State:
    """The state before the first step; the same for the same seed."""
    torch.manual_seed(experiment.seed)
    model = SpeakerModel(experiment)
    begin = getattr(model.network, "begin", None)  # weights from elsewhere to start from
    if begin:
        begin()
    _, loss_kind = LOSSES[experiment.loss.kind]
    loss = loss_kind(experiment.loss.config, model.own_dim, classes)
    average = copy.deepcopy(model)
    for module in (model, loss, average):
        module.to(device)
    optimiser = torch.optim.AdamW(
        [*model.parameters(), *loss.parameters()],
        lr=experiment.optimiser.learning_rate,
        weight_decay=experiment.optimiser.weight_decay,
    )
    return State(model, loss, average, optimiser)


class Objective(nn.Module):
    """What is minimised: one module, so that several processes can share one call of it."""

    def __init__(self, experiment: Experiment, state: State) -> None:
        super().__init__()
        self.model, self.loss = state.model, state.loss
        self.teacher = experiment.teacher
        self.coarse = experiment.precision == "bf16"
        self.augment = experiment.augment

    def forward(self, waveforms: Tensor, labels: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
        """A batch → what to minimise, and (loss, distance to the teacher, accuracy)."""
        features = self.model.front_end(waveforms)  # in float32: bfloat16 is too coarse for it
        features = mask(features, self.augment)
        with torch.autocast(waveforms.device.type, torch.bfloat16, enabled=self.coarse):
            own, taught = self.model.own_and_taught(features)
            loss, accuracy = self.loss(own, labels)
        distance = away_from(taught.float(), teacher) if self.teacher.dim else loss.new_zeros(())
        figures = torch.stack([loss.detach(), distance.detach(), accuracy.detach()]).float()
        return loss + self.teacher.weight * distance, figures


@torch.no_grad()
def move_average(average: SpeakerModel, model: SpeakerModel, decay: float) -> None:
    """Let the average follow the model: weights and statistics."""
    kept, now = (list(module.state_dict().values()) for module in (average, model))
    moving = [i for i, value in enumerate(kept) if value.dtype.is_floating_point]
    torch._foreach_lerp_([kept[i] for i in moving], [now[i] for i in moving], 1 - decay)
    for counter, value in zip(kept, now, strict=True):
        if not counter.dtype.is_floating_point:
            counter.copy_(value)
