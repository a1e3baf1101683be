"""One process or several: where this one stands among them.

`torchrun --nproc-per-node N -m voxgate train …` starts several; it tells each through the
environment who it is. They share every batch and average their gradients.
"""

import os
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from voxgate.errors import TrainingError

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class World:
    """This process, its device, and how many there are."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes the run's folder."""
        return self.rank == 0

    def wait(self) -> None:
        """Until all are here."""
        if self.size > 1:
            distributed.barrier()

    def mean(self, figures: Tensor) -> Tensor:
        """The mean of each figure over all processes."""
        if self.size > 1:
            distributed.all_reduce(figures)
            figures = figures / self.size
        return figures

    def any(self, here: bool) -> bool:
        """Whether it is so in one of the processes, the same answer in all."""
        return bool(self.mean(torch.tensor(float(here), device=self.device)) > 0)

    def together(self, module: nn.Module) -> nn.Module:
        """The module, with gradients averaged over all processes where there are several.

        Batch norm sees the rows of one process only, but for several GPUs.
        """
        module.to(self.device)
        if self.size == 1:
            return module
        if self.device.type == "cuda":
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return DistributedDataParallel(module, broadcast_buffers=False, find_unused_parameters=True)


def join(device: str) -> World:
    """Find this process's place, and meet the others if there are any.

    Args:
        device: "cpu", "cuda" or "auto": a GPU if there is one.

    Raises:
        TrainingError: the device is not there.
    """
    if device not in DEVICES:
        raise TrainingError(f"There is no device {device!r}; choose {', '.join(DEVICES)}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("PyTorch finds no GPU here; use the device cpu, or auto.")
    kind = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    size, rank = (int(os.environ.get(name, default)) for name, default in _PLACE)
    local = int(os.environ.get("LOCAL_RANK", "0"))
    where = torch.device(kind, local) if kind == "cuda" else torch.device("cpu")
    if size > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if kind == "cuda" else "gloo", timeout=_PATIENCE)
    return World(where, rank, size)


_PLACE = (("WORLD_SIZE", "1"), ("RANK", "0"))
_PATIENCE = timedelta(days=2)  # the others wait while the first decodes a corpus, or judges
