"""Listening to the microphone at the terminal: a level meter, sentences to read, a count.

All of it is drawn on standard error, which leaves standard output to the result.
"""

# ruff: noqa: PLC0415 - imports wait until a command runs

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from voxgate.cli import output
from voxgate.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from voxgate.microphone import Progress

PROBE_S = 5.0  # of speech, to verify or identify
ENROLMENT_S = 20.0
LONGEST_S = 180.0

_METER_CELLS = 30
_METER_DB = 60.0  # what the meter spans, down from full scale
_QUIET_DBFS = -45.0
_FALL_DB = 2.0  # the meter falls so far at each block: about 20 dB a second


@contextmanager
def probe_of(probe: str | None, *, mic: bool, device: str | None) -> Iterator[str]:
    """The recording to test: the one that is named, or what the microphone now hears.

    Raises:
        UsageError: neither or both are asked for.
    """
    if mic == (probe is not None):
        raise UsageError("Give either a recording or --mic.")
    if probe is not None:
        yield probe
        return
    with heard_now(wanted_s=PROBE_S, device=device) as path:
        yield str(path)


@contextmanager
def heard_now(*, wanted_s: float, device: str | None) -> Iterator[Path]:
    """A recording from the microphone that is gone when the block ends."""
    with TemporaryDirectory(prefix="voxgate-") as folder:
        path = Path(folder, "microphone.flac")
        listen(path, wanted_s=wanted_s, device=device)
        yield path


def listen(
    path: Path,
    *,
    wanted_s: float,
    longest_s: float = LONGEST_S,
    sentences: Sequence[str] | None = None,
    device: str | None = None,
) -> "Progress":
    """Record to `path` until there is enough speech; return where the recording stood at the end.

    Raises:
        MicrophoneError: there is no microphone, or it gives nothing.
    """
    from voxgate import microphone

    with microphone.open_microphone(device) as blocks:
        steps = microphone.record(
            blocks,
            path,
            wanted_s=wanted_s,
            longest_s=longest_s,
            sentences=sentences or microphone.SENTENCES,
        )
        return _watch(steps)


def _watch(steps: "Iterator[Progress]") -> "Progress":
    """Show each step until the last, and return that."""
    from rich.live import Live

    console = output.console(stderr=True)
    shown_db, sentence = -_METER_DB, ""
    with Live(console=console, transient=True, refresh_per_second=12) as live:
        for step in steps:
            shown_db = max(step.level_dbfs, shown_db - _FALL_DB)
            if console.is_terminal:
                live.update(_picture(step, shown_db))
            elif step.sentence != sentence:
                sentence = step.sentence
                console.print(f"Read aloud: {sentence}")
    return step


def _picture(step: "Progress", shown_db: float) -> "RenderableType":
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    if step.clipped:
        colour, advice = "red", "too loud: move back a little"
    elif shown_db < _QUIET_DBFS:
        colour, advice = "yellow", "speak up, or come closer"
    else:
        colour, advice = "green", "good"
    meters = Table.grid(padding=(0, 2, 0, 0))
    meters.add_row("level", _meter(1 + shown_db / _METER_DB, colour), Text(advice, style=colour))
    share = step.speech_s / step.wanted_s
    meters.add_row("speech", _meter(share, "cyan"), f"{step.speech_s:.0f} of {step.wanted_s:.0f} s")
    recording = Text.assemble(("● ", "bold red"), "Recording. Read aloud, at your own pace:")
    prompt = Padding(Text(f"“{step.sentence}”", style="bold"), (1, 0, 1, 2))
    return Padding(Group(recording, prompt, meters), (1, 0, 1, 2))


def _meter(share: float, colour: str) -> "RenderableType":
    from rich.text import Text

    full = round(_METER_CELLS * min(1.0, max(0.0, share)))
    return Text.assemble(("━" * full, colour), ("━" * (_METER_CELLS - full), "dim"))
