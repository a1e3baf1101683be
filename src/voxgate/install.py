"""Make packs of public models, and keep them in the folder of installed packs.

A pack made here has the facts of its model and its front end, but no cohort and no calibration:
those are measured on recordings ('voxgate calibrate'). Its version is made of the bytes that its
weights came in and of how it is fed, so that two ways to use one file are two packs.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from voxgate.atomic import cannot_write, replace_folder
from voxgate.embed import Embedder
from voxgate.errors import PackError, PackNotFoundError, UsageError
from voxgate.frontends.presets import PRESETS, Preset
from voxgate.manifest import to_toml
from voxgate.packs import PACKS, Pack, load_pack, packs_folder
from voxgate.sessions import open_session

LEAST_SPEECH_S = 0.4  # of public models, which were trained on two seconds and more
LONGEST_WINDOW_S = 30.0  # they hear so much at once; more is cut into windows and averaged

Table = dict[str, Any]

UNKNOWN_LICENSE = "unknown: ask its makers"
_FRAMEWORKS = {"wespeaker": "wespeaker", "3d-speaker": "3d-speaker", "nemo": "nemo"}


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a public model beside its bytes."""

    description: str
    license: str = UNKNOWN_LICENSE
    training_data: tuple[str, ...] = ()
    address: str = ""
    citation: str = ""
    published: Mapping[str, float] = field(default_factory=dict)
    min_speech_s: float = LEAST_SPEECH_S


@dataclass(frozen=True)
class Form:
    """What an ONNX file says of itself."""

    inputs: dict[str, tuple[str, int]]  # name -> type and number of axes
    outputs: dict[str, int]  # name of a float output -> number of axes, in their order
    metadata: dict[str, str]  # such as sherpa-onnx writes


def form_of(model: bytes, name: str) -> Form:
    """Read the form of a model.

    Raises:
        PackError: onnxruntime cannot run it.
    """
    session = open_session(model, name)
    return Form(
        {i.name: (i.type, len(i.shape)) for i in session.get_inputs()},
        {o.name: len(o.shape) for o in session.get_outputs() if o.type == "tensor(float)"},
        dict(session.get_modelmeta().custom_metadata_map),
    )


def choose_preset(form: Form, like: str | None, name: str) -> str:
    """The preset for a model: the one asked for, or the one its metadata name.

    Raises:
        UsageError: neither is there, they contradict each other, or it is not known.
    """
    framework = form.metadata.get("framework", "")
    stated = _FRAMEWORKS.get(framework)
    if like is None and stated is None:
        raise UsageError(
            f"{name} does not say what features it wants; say it with --like "
            f"({', '.join(PRESETS)})."
        )
    if like is not None and like not in PRESETS:
        raise UsageError(f"--like {like} is not known; known are {', '.join(PRESETS)}.")
    if like and stated and _KIN.get(like, like) != stated:
        raise UsageError(
            f"{name} says that it is of {framework}, so --like {like} would give it the wrong "
            f"features; leave --like out, or give --like {stated}."
        )
    return like or str(stated)


_KIN = {"wespeaker-cli": "wespeaker"}  # presets of one framework


def tables_of(
    preset: Preset, form: Form, model: bytes, name: str
) -> tuple[Table, Table, list[str]]:
    """[front_end] and [model] for a model of this form, and what is to be said about them.

    Raises:
        UsageError: the form is not one that such a model has.
    """
    front_end, remarks = _front_end_of(preset, form, model)
    lengths = [n for n, (kind, axes) in form.inputs.items() if (kind, axes) == ("tensor(int64)", 1)]
    features = [
        n for n, (kind, axes) in form.inputs.items() if (kind, axes) == ("tensor(float)", 3)
    ]
    if len(features) != 1 or len(lengths) + 1 != len(form.inputs) or len(lengths) > 1:
        raise UsageError(
            f"{name} takes {form.inputs}; a model with a front end takes one float input of three "
            "axes (batch, frames, bands), and at most one of lengths."
        )
    length_input = lengths[0] if lengths else ""
    model_table = preset.table(features[0], _output_of(form, name), length_input)
    return front_end, model_table, remarks


def _front_end_of(preset: Preset, form: Form, model: bytes) -> tuple[dict[str, Any], list[str]]:
    front_end, remarks, says = dict(preset.front_end), [], form.metadata
    rate = says.get("sample_rate", "16000")
    if rate != str(front_end["sample_rate_hz"]):
        raise UsageError(f"The model is for {rate} Hz; only 16000 Hz can be used.")
    scale = says.get("normalize_samples", says.get("normalize_features"))
    if scale is not None and "sample_scale" in front_end:
        front_end["sample_scale"] = 1.0 if scale == "1" else 32768.0
    if says.get("framework") == "nemo":
        samples_per_ms = front_end["sample_rate_hz"] // 1000
        front_end["bands"] = int(says.get("feat_dim", front_end["bands"]))
        front_end["window_length"] = samples_per_ms * int(says.get("window_size_ms", 25))
        front_end["frame_shift"] = samples_per_ms * int(says.get("window_stride_ms", 10))
        front_end["standardise"] = says.get("feature_normalize_type", "") == "per_feature"
    if b"mean_vec" in model and "subtract_mean" in front_end:
        front_end["subtract_mean"] = False
        remarks.append("The model subtracts a mean itself (mean_vec), so the pack does not.")
    elif says.get("framework") == "wespeaker" and not says.get("feature_normalize_type"):
        remarks.append(
            "The file's metadata name no mean normalisation, but WeSpeaker's models are trained "
            "with it; the pack subtracts the mean. (sherpa-onnx does not, and loses accuracy.)"
        )
    return front_end, remarks


def _output_of(form: Form, name: str) -> str:
    """The output that is the embedding: the only one, the one so called, or NeMo's second."""
    if len(form.outputs) == 1:
        return next(iter(form.outputs))
    called = [output for output in form.outputs if output.lower().startswith("emb")]
    if len(called) == 1:
        return called[0]
    raise UsageError(
        f"{name} has the outputs {', '.join(form.outputs)}, and none is called an embedding."
    )


def add_model(
    path: Path, *, name: str, like: str | None, facts: ModelFacts
) -> tuple[Pack, list[str]]:
    """Install an ONNX model as the pack `name`; what is to be said about it comes along.

    Raises:
        PackError: it cannot be read or run.
        UsageError: what features it wants is not known, or its form is another.
    """
    try:
        model = path.read_bytes()
    except OSError as error:
        raise PackError(f"{path}: cannot be read: {error.strerror}.") from error
    form = form_of(model, path.name)
    preset = PRESETS[choose_preset(form, like, path.name)]
    front_end, model_table, remarks = tables_of(preset, form, model, path.name)
    return install(name, model, front_end, model_table, facts), remarks


def install(  # noqa: PLR0913 - what a pack is made of
    name: str,
    model: bytes,
    front_end: Mapping[str, Any],
    model_table: Mapping[str, Any],
    facts: ModelFacts,
    *,
    origin: bytes = b"",
) -> Pack:
    """Write a pack, try its model, and put it in its place; another of that name is replaced.

    Args:
        name: of the pack.
        model: the ONNX file.
        front_end: table [front_end].
        model_table: table [model].
        facts: what else is known.
        origin: what the model was made of, where the same may be exported to other bytes.

    Raises:
        PackError: the model does not run as stated.
        OutputError: it cannot be written.
    """
    check_name(name)
    sha256 = hashlib.sha256(model).hexdigest()
    version = _version(origin or model, front_end, model_table)
    toml: dict[str, Any] = {
        "pack": {
            "name": name,
            "version": version,
            "description": facts.description,
            "license": facts.license,
            "dim": 1,
            "sample_rate_hz": front_end["sample_rate_hz"],
            "min_speech_s": facts.min_speech_s,
            "max_window_s": LONGEST_WINDOW_S,
            "training_data": list(facts.training_data),
        },
        "files": {"model.onnx": sha256},
        "front_end": dict(front_end),
        "model": dict(model_table),
        "published": dict(facts.published),
        "metrics": {},
    }
    if facts.address and facts.citation:
        toml["source"] = {"address": facts.address, "citation": facts.citation}
    place = packs_folder() / name
    part = place.with_name(f".{name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        (part / "model.onnx").write_bytes(model)
        _write_toml(part, toml)
        toml["pack"]["dim"] = _dim_of(load_pack(part))
        _write_toml(part, toml)
        replace_folder(part, place)
    except OSError as error:
        raise cannot_write(place, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return load_pack(place)


def check_name(name: str) -> None:
    """Refuse a name that is not one, or that of a built-in pack.

    Raises:
        UsageError: saying what names may be.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise UsageError(f"The name {name!r} is not of lower-case letters, digits and '-._'.")
    if name in PACKS or name == "downloads":
        raise UsageError(f"The name {name!r} is taken; choose another with --name.")


def try_pack(pack: Pack) -> None:
    """Check the SHA-256 of each file, and embed a second of noise.

    Raises:
        PackError: something is wrong with it.
    """
    for name in pack.sha256:
        pack.read(name)
    Embedder(pack).embed_waveform(_noise(max(1.0, pack.min_speech_s)))


def remove(name: str) -> None:
    """Remove an installed pack. Voiceprints made with it stay in their store, of no use.

    Raises:
        PackNotFoundError: there is none of that name that was installed.
        OutputError: it cannot be removed.
    """
    check_name(name)
    place = packs_folder() / name
    if not (place / "pack.toml").is_file():
        raise PackNotFoundError(f"There is no installed pack '{name}': see 'voxgate packs list'.")
    try:
        shutil.rmtree(place)
    except OSError as error:
        raise cannot_write(place, error) from error


def _version(weights: bytes, front_end: Mapping[str, Any], model_table: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits that tell one embedding from another."""
    fed = json.dumps([front_end, model_table], sort_keys=True).encode()
    return hashlib.sha256(hashlib.sha256(weights).digest() + fed).hexdigest()[:8]


def _dim_of(pack: Pack) -> int:
    """Numbers in an embedding, as the model gives them."""
    return int(Embedder(pack).raw_output(_noise(1.0)).shape[-1])


def _noise(seconds: float) -> Any:
    count = round(16_000 * seconds)
    return np.random.default_rng(0).normal(0, 0.1, count).astype(np.float32)


def _write_toml(folder: Path, toml: Mapping[str, Any]) -> None:
    (folder / "pack.toml").write_text(to_toml(toml), "utf-8")
