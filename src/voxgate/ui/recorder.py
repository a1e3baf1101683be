"""A recording from the person in front of the page: spoken, chosen or dropped.

Gradio's own audio input refuses formats that its browser cannot play, and cannot be listened to
while it records in all its versions; this one is a few lines of JavaScript (recorder.js) in a
`gr.HTML`, and takes whatever `voxgate.audio` reads.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from gradio.utils import get_upload_folder

from voxgate.errors import UsageError
from voxgate.ui import strings
from voxgate.ui.takes import Takes

MAX_MEGABYTES = 100

_HERE = Path(__file__)
_SCRIPT = _HERE.with_name("recorder.js").read_text("utf-8")
_TEMPLATE = _HERE.with_name("recorder.html").read_text("utf-8")
_WORDS = {
    name.lower(): getattr(strings, name)
    for name in (
        "RECORD", "STOP", "CHOOSE_FILE", "CHOOSE_FILES", "CHOOSE_FOLDER", "DROP_HERE",
        "DROP_HERE_MANY", "REMOVE", "RECORDED", "SPEECH_SO_FAR", "LEVEL", "TOO_LOUD", "TOO_QUIET",
        "LEVEL_GOOD", "READ_ALOUD", "ENOUGH", "UPLOADING", "CANNOT_PLAY", "TOO_BIG", "NOT_SENT",
        "NO_MICROPHONE", "NO_SECURE_PAGE",
    )
}  # fmt: skip


class Received(NamedTuple):
    """A recording that the browser has sent."""

    path: str  # of the file, in the folder for uploads
    name: str  # as the person knows it


def recorder(  # noqa: PLR0913 - all but the first two are choices with names
    label: str,
    takes: Takes,
    *,
    elem_id: str,
    many: bool = False,
    guided: bool = False,
    wanted_s: float = 5.0,
) -> gr.HTML:
    """A place to record or upload.

    Args:
        label: what is wanted.
        takes: where its microphone is heard while it records.
        elem_id: of the element.
        many: whether several files, or a folder, may be given at once. Its value is what was
            just given; otherwise it is the one recording.
        guided: whether there are sentences to read.
        wanted_s: seconds of speech at which the ring is full.
    """

    def hear(message: dict[str, Any]) -> dict[str, Any]:
        return takes.hear(message)

    return gr.HTML(
        value=None,
        html_template=_TEMPLATE,
        js_on_load=_SCRIPT,
        server_functions=[hear],
        elem_id=elem_id,
        elem_classes="vg-recorder",
        apply_default_css=False,
        label=label,
        words={**_WORDS, "of_seconds": strings.OF_SECONDS.format(wanted=f"{wanted_s:g}")},
        title=label,
        many=many,
        guided=guided,
        wanted_s=wanted_s,
        max_megabytes=MAX_MEGABYTES,
    )


def received(value: Any) -> list[Received]:
    """The recordings that a recorder holds, as the browser says.

    Raises:
        UsageError: one of them is not a file that was uploaded.
    """
    if not value:
        return []
    return [_received(one) for one in (value if isinstance(value, list) else [value])]


def gathered(value: Any, before: Iterable[Received]) -> list[Received]:
    """What was there before and what came now, each file once."""
    return list({one.path: one for one in (*before, *received(value))}.values())


def _received(file: Any) -> Received:
    """One of them; a browser may say anything, so only what lies among the uploads is taken."""
    uploads = Path(get_upload_folder()).resolve()
    path = Path(str(file.get("path", "") if isinstance(file, dict) else "")).resolve()
    if not (path.is_relative_to(uploads) and path.is_file()):
        raise UsageError(strings.NOT_RECEIVED)
    return Received(str(path), str(file.get("orig_name") or path.name))


def only(value: Any, what: str) -> Received:
    """The one recording that is needed.

    Raises:
        UsageError: there is none; `what` says which is missing.
    """
    found = received(value)
    if not found:
        raise UsageError(strings.MISSING_RECORDING.format(what=what.lower()))
    return found[0]


def paths(recordings: Iterable[Received]) -> list[str]:
    """Where they are."""
    return [recording.path for recording in recordings]
