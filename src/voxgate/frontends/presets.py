"""How the public families of models are fed: what `--like` and the hub's entries name.

Sources: each project's own inference code; see docs/models/frontends.md.
"""

from dataclasses import dataclass, field
from typing import Any

from voxgate.feeding import USUAL


@dataclass(frozen=True)
class Preset:
    """A family of models."""

    title: str
    front_end: dict[str, Any]  # table [front_end] of a pack.toml
    model: dict[str, Any] = field(default_factory=dict)  # of table [model], what is not usual

    def table(self, input: str, output: str, length_input: str = "") -> dict[str, Any]:
        """Table [model] for a network with inputs and an output of these names."""
        names = {"input": input, "output": output, "length_input": length_input}
        return {**USUAL, **names, **self.model}


_KALDI = {
    "family": "kaldi", "sample_rate_hz": 16_000, "sample_scale": 1.0, "window": "povey",
    "frame_length": 400, "frame_shift": 160, "remove_dc": True, "pre_emphasis": 0.97,
    "snip_edges": True, "bands": 80, "low_hz": 20.0, "high_hz": 8000.0, "subtract_mean": True,
}  # fmt: skip
_REDIMNET = {
    "family": "torch-mel", "sample_rate_hz": 16_000, "pre_emphasis": 0.97, "window_length": 400,
    "frame_shift": 160, "fft_size": 512, "bands": 72, "low_hz": 20.0, "high_hz": 7600.0,
    "log_offset": 1e-6, "subtract_mean": True,
}  # fmt: skip

PRESETS = {  # name for --like -> how it is fed
    "wespeaker": Preset(
        "WeSpeaker's ONNX files: 16-bit scale, Hamming window, mean subtracted",
        {**_KALDI, "sample_scale": 32768.0, "window": "hamming"},
    ),
    "wespeaker-cli": Preset(
        "WeSpeaker's --campplus and --eres2net: unit scale, povey window", _KALDI
    ),
    "3d-speaker": Preset("3D-Speaker: unit scale, povey window, mean subtracted", _KALDI),
    "cosyvoice": Preset("CosyVoice's campplus.onnx, its scale taken to be 1 (unconfirmed)", _KALDI),
    "nemo": Preset(
        "NeMo's TitaNet: every band standardised, bands before frames",
        {
            "family": "nemo", "sample_rate_hz": 16_000, "pre_emphasis": 0.97,
            "window_length": 400, "frame_shift": 160, "fft_size": 512, "bands": 80,
            "low_hz": 0.0, "high_hz": 8000.0, "log_offset": 2.0**-24, "standardise": True,
        },
        {"layout": "bands, frames", "frames_multiple": 16},
    ),
    "speechbrain-ecapa": Preset(
        "SpeechBrain's ECAPA-TDNN: decibels, mean subtracted",
        {
            "family": "speechbrain", "sample_rate_hz": 16_000, "frame_length": 400,
            "frame_shift": 160, "bands": 80, "low_hz": 0.0, "high_hz": 8000.0,
            "floor": 1e-10, "range_db": 80.0, "subtract_mean": True,
        },
    ),
    "resemblyzer": Preset(
        "Resemblyzer: mel power without logarithm, windows of 1.6 s averaged",
        {
            "family": "power-mel", "sample_rate_hz": 16_000, "frame_length": 400,
            "frame_shift": 160, "bands": 40, "low_hz": 0.0, "high_hz": 8000.0,
        },
        {
            "quiet_dbfs": -36.0, "level_dbfs": -30.0, "window_frames": 160, "window_step": 77,
            "window_coverage": 0.75,
        },
    ),
    "redimnet": Preset("ReDimNet: 72 bands up to 7600 Hz, mean subtracted", _REDIMNET),
    "ecapa-taoruijie": Preset(
        "TaoRuijie's ECAPA-TDNN: 80 bands up to 7600 Hz, mean subtracted",
        {**_REDIMNET, "bands": 80},
        {"layout": "bands, frames"},
    ),
}  # fmt: skip
