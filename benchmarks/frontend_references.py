"""What each front end is measured against: the reference implementations, and sounds to try.

kaldi-native-fbank and librosa are run as they are. SpeechBrain is too, where it is installed
(`pip install --no-deps speechbrain hyperpyyaml 'ruamel.yaml<0.19'`; torchaudio, which it imports
but does not need for features, is replaced by an empty module); its features of these sounds are
also recorded in tests/frontends/speechbrain.npz. NeMo and torchaudio do not install beside the
torch used here: their published formulas are written out in torch, with librosa's filters.
"""

import importlib.machinery
import sys
import types
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from voxgate.frontends import Features, make_front_end
from voxgate.frontends.presets import PRESETS

Waveform = NDArray[np.float32]

ROOT = Path(__file__).parents[1]
RECORDED = ROOT / "tests" / "frontends" / "speechbrain.npz"
RECORDED_STEP = 25  # frames
RATE = 16_000


def sounds() -> dict[str, Waveform]:
    """What front ends tend to differ on."""
    rng = np.random.default_rng(7)
    voice = soundfile.read(ROOT / "examples" / "voices" / "ada-1.flac", dtype="float32")[0]
    return {
        "speech": voice[: 4 * RATE],
        "silence": np.zeros(RATE, np.float32),
        "0.1 s": voice[RATE : RATE + RATE // 10],
        "30 s": np.resize(voice, 30 * RATE) + rng.normal(0, 1e-3, 30 * RATE).astype(np.float32),
        "loud": (20 * voice[: 2 * RATE]).clip(-1, 1),
    }


class Case(NamedTuple):
    """A front end, what it is measured against, and how far they may be apart."""

    name: str
    options: dict[str, Any]  # as in pack.toml
    reference: Callable[[Waveform], Features]
    against: str
    limit: float  # largest absolute difference of a feature
    limit_in_silence: float = 1e-5
    step: int = 1  # the reference has every step-th frame


def cases(*, live: bool = True) -> list[Case]:
    """All of them; with SpeechBrain itself where `live` and it is installed, else as recorded."""
    kaldi, wespeaker = PRESETS["3d-speaker"].front_end, PRESETS["wespeaker"].front_end
    fbank = "kaldi-native-fbank"
    found = [
        Case(f"Kaldi, {what}", options, partial(kaldi_features, options), fbank, 2e-3)
        for what, options in {
            "povey, unit scale": kaldi,
            "hamming, 16-bit scale": wespeaker,
            "edges not snipped": {**kaldi, "snip_edges": False},
            "mean kept": {**wespeaker, "subtract_mean": False},
            "DC kept, 40 bands": {**kaldi, "remove_dc": False, "bands": 40},
        }.items()
    ]
    options = {name: preset.front_end for name, preset in PRESETS.items()}
    brain = (
        Case("SpeechBrain", options["speechbrain-ecapa"], speechbrain_features, "SpeechBrain", 2e-3)
        if live and find_spec("speechbrain")
        else recorded_case()
    )
    formula = "formula in torch, librosa's filters"
    # A band of silence has no spread: NeMo divides what rounding leaves of it by 1e-5.
    return [
        *found,
        brain,
        Case("NeMo", options["nemo"], nemo_features, f"NeMo's {formula}", 2e-3, 0.5),
        Case("Resemblyzer", options["resemblyzer"], resemblyzer_features, "librosa", 1e-3),
        Case("ReDimNet", options["redimnet"], redimnet_features, f"torchaudio's {formula}", 2e-3),
    ]


def recorded_case() -> Case:
    """SpeechBrain, as it was when its features were recorded."""
    options = PRESETS["speechbrain-ecapa"].front_end
    what = "SpeechBrain, recorded"
    return Case("SpeechBrain", options, recorded_features, what, 2e-3, step=RECORDED_STEP)


def difference(case: Case, waveform: Waveform) -> float:
    """Largest absolute difference of a feature; infinite where the shapes differ."""
    ours = make_front_end(case.options).features(waveform)[:: case.step]
    theirs = case.reference(waveform)
    if ours.shape != theirs.shape:
        return float("inf")
    return float(np.abs(ours - theirs).max())


def kaldi_features(options: dict[str, Any], waveform: Waveform) -> Features:
    """kaldi-native-fbank with these options."""
    import kaldi_native_fbank  # noqa: PLC0415

    fbank = kaldi_native_fbank.OnlineFbank(kaldi_options(options))
    fbank.accept_waveform(RATE, (waveform * np.float32(options["sample_scale"])).tolist())
    fbank.input_finished()
    found = np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)])
    return found - found.mean(axis=0, dtype=np.float64) if options["subtract_mean"] else found


def kaldi_options(options: dict[str, Any]) -> Any:
    """The same options in the words of kaldi-native-fbank."""
    import kaldi_native_fbank  # noqa: PLC0415

    theirs = kaldi_native_fbank.FbankOptions()
    theirs.frame_opts.samp_freq = options["sample_rate_hz"]
    theirs.frame_opts.dither = 0
    theirs.frame_opts.window_type = options["window"]
    theirs.frame_opts.snip_edges = options["snip_edges"]
    theirs.frame_opts.remove_dc_offset = options["remove_dc"]
    theirs.frame_opts.preemph_coeff = options["pre_emphasis"]
    theirs.mel_opts.num_bins = options["bands"]
    theirs.mel_opts.low_freq = options["low_hz"]
    theirs.mel_opts.high_freq = options["high_hz"]
    theirs.energy_floor = 0
    return theirs


def with_speechbrain() -> None:
    """Let SpeechBrain be imported where torchaudio is missing."""
    if find_spec("torchaudio") is None:
        stand_in = types.ModuleType("torchaudio")
        stand_in.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
        stand_in.__version__ = "2.7.1"  # type: ignore[attr-defined]
        stand_in.list_audio_backends = lambda: ["soundfile"]  # type: ignore[attr-defined]
        sys.modules["torchaudio"] = stand_in


def speechbrain_features(waveform: Waveform) -> Features:
    """Fbank and sentence-wise mean, as the published ECAPA-TDNN has them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with_speechbrain()
        import torch  # noqa: PLC0415
        from speechbrain.lobes.features import Fbank  # noqa: PLC0415
        from speechbrain.processing.features import InputNormalization  # noqa: PLC0415

        features = Fbank(n_mels=80)(torch.from_numpy(waveform)[None])
        normalise = InputNormalization(norm_type="sentence", std_norm=False)
        return np.asarray(normalise(features, torch.ones(1))[0].numpy())


def recorded_features(waveform: Waveform) -> Features:
    """What `speechbrain_features` gave of one of the sounds, every RECORDED_STEP-th frame."""
    with np.load(RECORDED) as recorded:
        for name, sound in sounds().items():
            if np.array_equal(sound, waveform):
                return np.asarray(recorded[name])
    raise LookupError("SpeechBrain's features of this sound are not recorded.")


def nemo_features(waveform: Waveform) -> Features:
    """AudioToMelSpectrogramPreprocessor(normalize="per_feature", dither=0)."""
    import librosa  # noqa: PLC0415
    import torch  # noqa: PLC0415

    x = torch.from_numpy(waveform)
    x = torch.cat([x[:1], x[1:] - 0.97 * x[:-1]])
    weights = torch.hann_window(400, periodic=False)
    spectrum = torch.stft(
        x, 512, 160, 400, weights, center=True, pad_mode="constant", return_complex=True
    )
    magnitude = torch.view_as_real(spectrum).pow(2).sum(-1).sqrt()
    filters = torch.from_numpy(
        librosa.filters.mel(sr=RATE, n_fft=512, n_mels=80, fmin=0, fmax=8000)
    )
    logs = torch.log(filters @ magnitude.pow(2) + 2**-24)[:, : len(waveform) // 160]
    mean, std = logs.mean(dim=1, keepdim=True), logs.std(dim=1, keepdim=True) + 1e-5
    return np.asarray(((logs - mean) / std).T.numpy())


def resemblyzer_features(waveform: Waveform) -> Features:
    """resemblyzer.audio.wav_to_mel_spectrogram."""
    import librosa  # noqa: PLC0415

    mel = librosa.feature.melspectrogram(y=waveform, sr=RATE, n_fft=400, hop_length=160, n_mels=40)
    return np.asarray(mel.astype(np.float32).T)


def redimnet_features(waveform: Waveform) -> Features:
    """redimnet.layers.features.MelBanks(n_mels=72)."""
    import librosa  # noqa: PLC0415
    import torch  # noqa: PLC0415

    x = torch.nn.functional.pad(torch.from_numpy(waveform)[None, None], (1, 0), "reflect")
    x = torch.nn.functional.conv1d(x, torch.tensor([[[-0.97, 1.0]]]))[0, 0]
    spectrum = torch.stft(
        x, 512, 160, 400, torch.hamming_window(400), center=True, pad_mode="reflect",
        return_complex=True,
    )  # fmt: skip
    filters = librosa.filters.mel(
        sr=RATE, n_fft=512, n_mels=72, fmin=20, fmax=7600, htk=True, norm=None
    )
    logs = torch.log(torch.from_numpy(filters) @ spectrum.abs().pow(2) + 1e-6)
    return np.asarray((logs - logs.mean(dim=1, keepdim=True)).T.numpy())


if __name__ == "__main__":  # record what SpeechBrain makes of the sounds
    found = {name: speechbrain_features(sound) for name, sound in sounds().items()}
    np.savez_compressed(
        RECORDED, **{name: features[::RECORDED_STEP] for name, features in found.items()}
    )
