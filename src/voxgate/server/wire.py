"""What a worker answers, as bytes: plain values as JSON, and the vector.

Whoever breaks a decoder has its worker, and should not have the service by it: nothing that comes
from a process which reads what strangers send is unpickled.
"""

import json
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from voxgate import errors
from voxgate.embed import Embedding
from voxgate.errors import VoxgateError
from voxgate.quality import Quality, QualityWarning
from voxgate.vad import Segment

_EMBEDDING, _ERROR = b"+", b"-"  # how an answer begins
_FACTS = (str, int, float, bool, type(None))  # of an error, that are sent along


class GarbledError(Exception):
    """What came is no answer of a worker that is well."""


def pack_embedding(embedding: Embedding) -> bytes:
    """An embedding, for `unpack`."""
    about = {
        "speech_s": embedding.speech_s,
        "quality": asdict(embedding.quality),
        "segments": embedding.segments,
        "pack": embedding.pack,
        "name": embedding.name,
    }
    return _EMBEDDING + json.dumps(about).encode() + b"\n" + embedding.vector.tobytes()


def pack_error(error: VoxgateError) -> bytes:
    """An error with its plain facts, for `unpack`."""
    facts = {key: value for key, value in vars(error).items() if isinstance(value, _FACTS)}
    told = {"kind": type(error).__name__, "message": str(error), "facts": facts}
    return _ERROR + json.dumps(told).encode()


def unpack(answer: bytes) -> Embedding:
    """The embedding that was sent.

    Raises:
        VoxgateError: the error that was sent.
        GarbledError: it is neither.
    """
    kind, rest = answer[:1], answer[1:]
    try:
        if kind == _EMBEDDING:
            about, _, vector = rest.partition(b"\n")
            return _embedding(json.loads(about), vector)
        error = _error(**json.loads(rest)) if kind == _ERROR else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as wrong:
        raise GarbledError from wrong
    if error is None:
        raise GarbledError
    raise error


def _embedding(about: dict[str, Any], vector: bytes) -> Embedding:
    quality = about["quality"]
    warnings = tuple(QualityWarning(**warning) for warning in quality["warnings"])
    numbers = {field.name: quality[field.name] for field in fields(Quality)}
    return Embedding(
        vector=np.frombuffer(vector, np.float32),
        speech_s=float(about["speech_s"]),
        quality=Quality(**numbers | {"warnings": warnings}),
        segments=tuple(Segment(float(start), float(end)) for start, end in about["segments"]),
        pack=str(about["pack"]),
        name=str(about["name"]),
    )


def _error(kind: str, message: str, facts: dict[str, Any]) -> VoxgateError:
    found = getattr(errors, kind)
    if not (isinstance(found, type) and issubclass(found, VoxgateError)):
        raise TypeError(f"{kind} is no error of ours")
    error = found.__new__(found)  # without its own way to word the message
    error.args = (message,)
    vars(error).update(facts)
    return error
