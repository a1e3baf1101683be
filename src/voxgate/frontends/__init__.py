"""Front ends of public models: from a waveform to the features that a network was trained on.

A wrong front end does not crash; the scores are merely worse. So a pack states every option of
its front end, none is assumed, and each family here is measured against the code it stands for
(docs/models/frontends.md). Only numpy is needed, and a table loads no family but its own.

Waveforms are (samples,), float32 in [-1, 1] at 16 kHz; features are (frames, bands), float32.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import Waveform
from voxgate.errors import UsageError

Features = NDArray[np.float32]  # (frames, bands)

FAMILIES = {  # name in pack.toml -> "module:class" of what computes it
    "kaldi": "voxgate.frontends.kaldi:Kaldi",
    "nemo": "voxgate.frontends.nemo:Nemo",
    "power-mel": "voxgate.frontends.power_mel:PowerMel",
    "speechbrain": "voxgate.frontends.speechbrain:SpeechBrain",
    "torch-mel": "voxgate.frontends.torch_mel:TorchMel",
}


class FrontEnd(Protocol):
    """A frozen dataclass whose fields are all that can be chosen."""

    @property
    def bands(self) -> int:
        """Numbers in a frame."""

    @property
    def frame_shift(self) -> int:
        """Samples from one frame to the next."""

    @property
    def shortest(self) -> int:
        """The fewest samples that features can be computed of."""

    def features(self, waveform: Waveform) -> Features:
        """Features (frames, bands) of a waveform (samples,)."""


def make_front_end(table: Mapping[str, Any]) -> FrontEnd:
    """The front end that a table such as `[front_end]` of a pack.toml describes.

    Raises:
        UsageError: the family is not known, or its options are not exactly those it has.
    """
    family = table.get("family")
    if family not in FAMILIES:
        raise UsageError(f"family {family!r} is not known; known are {', '.join(FAMILIES)}.")
    module, _, name = FAMILIES[family].partition(":")
    kind = getattr(import_module(module), name)
    options = {key: value for key, value in table.items() if key != "family"}
    known = {field.name: field.type for field in fields(kind)}
    if missing := [name for name in known if name not in options]:
        raise UsageError(f"the family {family} also needs {', '.join(missing)}.")
    if unknown := [name for name in options if name not in known]:
        raise UsageError(
            f"the family {family} has no {', '.join(unknown)}; it has {', '.join(known)}."
        )
    for option, value in options.items():
        _check_kind(option, value, known[option])
    front_end: FrontEnd = kind(**options)
    return front_end


def to_table(front_end: FrontEnd) -> dict[str, Any]:
    """The table that `make_front_end` makes this front end of."""
    name = f"{type(front_end).__module__}:{type(front_end).__name__}"
    family = next(family for family, home in FAMILIES.items() if home == name)
    return {"family": family, **asdict(front_end)}  # type: ignore[call-overload]


def _check_kind(option: str, value: Any, kind: Any) -> None:
    fits = {
        bool: isinstance(value, bool),
        int: isinstance(value, int) and not isinstance(value, bool),
        float: isinstance(value, int | float) and not isinstance(value, bool),
        str: isinstance(value, str),
    }
    if not fits[kind]:
        raise UsageError(f"{option} is {value!r}; it must be of type {kind.__name__}.")
