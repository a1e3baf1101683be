"""What pack.toml may say: its tables, their keys, and the kind of each value.

`check` refuses what is missing, unknown, or of another kind, in one sentence; `to_toml` writes it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

SAMPLE_RATE_HZ = 16_000  # of the waveforms that the models of this version take

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # no folder, no drive, no ".."
_SHA256 = re.compile(r"[0-9a-f]{64}")

_DECIDING = ("cohort", "calibration", "false_accepts")  # all of them, or none
_FEEDING = ("front_end", "model")  # both, or none: then the model takes a waveform
_TABLES = {
    "pack": True, "files": True, "metrics": True,
    "source": False, "published": False,
    **dict.fromkeys((*_DECIDING, *_FEEDING), False),
}  # fmt: skip
_KEYS = {  # table -> key -> kind of value; all are needed, no others known
    "pack": {
        "name": "text", "version": "text", "description": "text", "license": "text",
        "training_data": "list of texts", "dim": "whole number",
        "sample_rate_hz": "whole number", "min_speech_s": "number", "max_window_s": "number",
    },
    "model": {
        "input": "text", "output": "text", "layout": "text", "length_input": "text or nothing",
        "frames_multiple": "whole number", "quiet_dbfs": "number", "level_dbfs": "number",
        "window_frames": "whole number", "window_step": "whole number",
        "window_coverage": "number",
    },
    "source": {"address": "text", "citation": "text"},
    "cohort": {"nearest": "whole number"},
    "calibration": {
        "slope": "list of numbers", "offset": "list of numbers", "speech_s": "pair of numbers",
    },
    "false_accepts": {
        "speech_s": "list of numbers", "far": "list of numbers", "thresholds": "list of rows",
        "misses": "list of rows", "pairs": "list of rows",
    },
}  # fmt: skip


class UnsoundError(Exception):
    """What is wrong with pack.toml, before its path is put in front."""


def check(toml: Mapping[str, Any]) -> None:
    """Refuse a pack.toml that makes no sense.

    Raises:
        UnsoundError: saying what is wrong with it.
    """
    _check_tables(toml)
    for name, kinds in _KEYS.items():
        if name in toml:
            _check_keys(toml[name], kinds, f"[{name}]")
    _check_pack(toml["pack"])
    _check_files(
        toml["files"], ("model.onnx", "cohort.npy") if "cohort" in toml else ("model.onnx",)
    )
    _check_metrics(toml["metrics"])
    if not all(map(_is_number, toml.get("published", {}).values())):
        raise UnsoundError("[published] is not a table of numbers.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list(value: Any, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(of(item) for item in value)


_KINDS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str) and bool(value.strip()),
    "text or nothing": lambda value: isinstance(value, str),
    "whole number": lambda value: _is_number(value) and isinstance(value, int),
    "number": _is_number,
    "list of texts": lambda value: _is_list(value, lambda item: isinstance(item, str)),
    "list of numbers": lambda value: _is_list(value, _is_number),
    "pair of numbers": lambda value: _is_list(value, _is_number) and len(value) == 2,
    "list of rows": lambda value: _is_list(value, lambda row: _is_list(row, _is_number)),
}


def _check_tables(toml: Mapping[str, Any]) -> None:
    if missing := [name for name, needed in _TABLES.items() if needed and name not in toml]:
        raise UnsoundError(f"the file lacks {', '.join(missing)}.")
    for together in (_DECIDING, _FEEDING):
        missing = [name for name in together if name not in toml]
        if missing and len(missing) < len(together):
            present = [name for name in together if name in toml]
            raise UnsoundError(f"the file lacks {', '.join(missing)}, but has {present[0]}.")
    if unknown := [name for name in toml if name not in _TABLES]:
        raise UnsoundError(
            f"the file has the unknown {', '.join(unknown)}; known: {', '.join(_TABLES)}."
        )
    for name, table in toml.items():
        if not isinstance(table, dict):
            raise UnsoundError(f"the file {name} is not a table.")


def _check_keys(table: Mapping[str, Any], kinds: Mapping[str, str], where: str) -> None:
    """The table has all of its keys, of the right kind, and no others."""
    if missing := [key for key in kinds if key not in table]:
        raise UnsoundError(f"{where} lacks {', '.join(missing)}.")
    if unknown := [key for key in table if key not in kinds]:
        raise UnsoundError(
            f"{where} has the unknown {', '.join(unknown)}; known: {', '.join(kinds)}."
        )
    for key, kind in kinds.items():
        if not _KINDS[kind](table[key]):
            raise UnsoundError(f"{where} {key} is not a {kind}.")


def _check_pack(facts: Mapping[str, Any]) -> None:
    if not _NAME.fullmatch(facts["name"]):
        raise UnsoundError(
            f"[pack] name {facts['name']!r} is not of lower-case letters, digits and '-._'."
        )
    if facts["dim"] < 1:
        raise UnsoundError(f"[pack] dim is {facts['dim']}; at least 1 is needed.")
    if facts["sample_rate_hz"] != SAMPLE_RATE_HZ:
        raise UnsoundError(
            f"[pack] sample_rate_hz is {facts['sample_rate_hz']}; only {SAMPLE_RATE_HZ} is known."
        )
    shortest, longest = facts["min_speech_s"], facts["max_window_s"]
    if not 0 < shortest <= longest < float("inf"):
        raise UnsoundError(
            f"[pack] min_speech_s {shortest} and max_window_s {longest} are not in order above 0."
        )


def _check_files(files: Mapping[str, Any], needed: tuple[str, ...]) -> None:
    if missing := [name for name in needed if name not in files]:
        raise UnsoundError(f"[files] lacks {', '.join(missing)}.")
    for name, sha256 in files.items():
        if not _FILE_NAME.fullmatch(name):
            raise UnsoundError(f"[files] {name!r} is not a plain file name inside the pack.")
        if not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
            raise UnsoundError(f"[files] {name} has no SHA-256 of 64 lower-case hex digits.")


def _check_metrics(metrics: Mapping[str, Any]) -> None:
    for name, values in metrics.items():
        if not (isinstance(values, dict) and all(map(_is_number, values.values()))):
            raise UnsoundError(f"[metrics.{name}] is not a table of numbers.")


def to_toml(tables: Mapping[str, Any]) -> str:
    """The text of a pack.toml."""
    import tomli_w  # noqa: PLC0415 - only who writes packs needs it

    return tomli_w.dumps(_plain(dict(tables)))


def _plain(value: Any) -> Any:
    """Tuples as lists, all the way down: TOML knows no other."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
