"""What the service writes to its log: one JSON object a line, and nothing secret in it.

A record of ours holds facts only under the names in FACTS. Of an exception it keeps the kind
and where it arose, never the message, which may repeat what a caller sent (a speaker's name,
the parameters of a statement). Of other libraries it keeps the text they were written with,
without the values put into it.
"""

import json
import logging
import sys
import traceback
from datetime import datetime, timezone
from types import TracebackType
from typing import Any, Literal, TextIO

Format = Literal["json", "text"]

FACTS = (
    "request_id", "method", "route", "status", "seconds", "stages", "decisions", "key_id",
    "domain", "address", "pid", "pack", "reason", "in_flight",
)  # fmt: skip
OURS = ("voxgate", "uvicorn")  # loggers whose messages hold nothing that a caller sent
QUIET = ("uvicorn.access",)  # it repeats paths, and with them speakers' names


def configure(level: str, format: Format, stream: TextIO | None = None) -> None:
    """Let all logging of this process go to one stream, standard error if none is given."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if format == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(level.upper())
    logging.getLogger("uvicorn.error").handlers.clear()
    for name in QUIET:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    logging.captureWarnings(True)


class JsonLines(logging.Formatter):
    """A record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(entry(record), ensure_ascii=False, separators=(",", ":"))


class TextLines(logging.Formatter):
    """The same for reading: time, level, message, then the facts as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        found = entry(record)
        words = [str(found.pop(name)) for name in ("at", "level", "message")]
        words += [f"{name}={json.dumps(value)}" for name, value in found.items()]
        return " ".join(words)


def entry(record: logging.LogRecord) -> dict[str, Any]:
    """What is written of a record."""
    written: dict[str, Any] = {
        "at": datetime.fromtimestamp(record.created, timezone.utc).isoformat("T", "milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage() if _is_ours(record) else str(record.msg),
    }
    for name in FACTS:
        value = getattr(record, name, None)
        if value is not None:
            written[name] = value
    if record.exc_info and record.exc_info[0] is not None:
        kind, _, place = record.exc_info
        written["error"] = kind.__name__
        written["where"] = _frames(place)
    return written


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in OURS


def _frames(place: TracebackType | None) -> list[str]:
    """Where an exception arose: file, line and function, the innermost last."""
    return [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(place)
    ]
