"""voxgate embed: the embeddings of many recordings in one file."""

# ruff: noqa: PLC0415, PLR0913 - a command's parameters are its options; imports wait until it runs

import re
import signal
import time
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE, FAILED
from voxgate.cli.recordings import find_recordings
from voxgate.errors import AudioError, UsageError
from voxgate.interrupts import interrupts_noted

if TYPE_CHECKING:
    from voxgate.embed import Embedder
    from voxgate.embeddings_file import Journal, Row

EXAMPLES = (
    ("voxgate embed *.flac -o out.npz", "many files"),
    ("voxgate embed corpus/ -o out.parquet", "all recordings under a folder"),
    ("voxgate embed corpus/ -o 2.npz --shard 2/8", "the second eighth, for 8 machines"),
    ("voxgate embed corpus/ -o out.npz --jobs 4", "four processes"),
)


class Failure(NamedTuple):
    """A recording without an embedding, and why."""

    name: str
    type: str
    message: str


def embed(
    recordings: Annotated[
        list[str],
        typer.Argument(metavar="RECORDINGS", help="Recordings, and folders of recordings."),
    ],
    *,
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="A .npz or .parquet file.")
    ],
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="K/N", help="Only every N-th recording, from the K-th."),
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", metavar="N", min=1, help="How many processes.")
    ] = 1,
    restart: Annotated[
        bool,
        typer.Option("--restart", metavar="", help="Compute all again, also what is done already."),
    ] = False,
    pack: options.PackName = None,
    json: options.Json = False,
) -> int:
    """Write the embeddings of many recordings to one file.

    Interrupted, by Ctrl-C or worse, it goes on where it was when it is run again; also
    recordings that were added, changed or had failed are all that a second run computes.

    Exit code 0: all are in the file. 2: some, or all, could not be embedded; the others are
    in the file.
    """
    from voxgate import embeddings_file
    from voxgate.packs import DEFAULT_PACK, load_pack

    names = _share_of(find_recordings(recordings), shard)
    embeddings_file.check_writable(out)
    model = load_pack(pack or DEFAULT_PACK)
    journal = embeddings_file.Journal(out)
    if restart:
        journal.remove()
    done = {} if restart else embeddings_file.rows_done(out, journal, set(names), model.id)
    kept = len(done)
    failures = _embed_rest(names, done, journal, pack=model.path, jobs=jobs)
    rows = [done[name] for name in names if name in done]
    if rows:
        embeddings_file.write(out, rows)
        journal.remove()
    if json:
        facts = {"recordings": len(rows), "computed": len(rows) - kept, "dim": model.dim}
        failed = [failure._asdict() for failure in failures]
        output.print_json({"output": str(out), **facts, "pack": model.id, "failures": failed})
    elif rows:
        output.print_verdict(
            f"{out}: {output.count(len(rows), 'embedding')} of {model.dim} numbers, {model.id}",
            colour="yellow" if failures else "green",
        )
    output.print_failures((failure.name, failure.message) for failure in failures)
    return FAILED if failures else DONE


def _embed_rest(
    names: Sequence[str], done: "dict[str, Row]", journal: "Journal", *, pack: Path, jobs: int
) -> list[Failure]:
    """Embed what is not in `done`, into it and into the journal; return what failed."""
    missing = [name for name in names if name not in done]
    failures: dict[str, Failure] = {}
    if done:
        output.print_remark(f"{output.count(len(done), 'recording')} done already.")
    try:
        for outcome in _with_progress(_embed_all(missing, pack, jobs), len(missing)):
            if isinstance(outcome, Failure):
                failures[outcome.name] = outcome
            else:
                journal.add(outcome)
                done[outcome.name] = outcome
    except KeyboardInterrupt:
        output.print_remark(
            f"{len(done):,} of {output.count(len(names), 'recording')} are kept in "
            f"{journal.path}; run the same again to go on."
        )
        raise
    return [failures[name] for name in names if name in failures]


def _with_progress(outcomes: "Iterator[Row | Failure]", total: int) -> "Iterator[Row | Failure]":
    """Pass the outcomes on, with a progress bar on standard error if that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = output.console(stderr=True)
    columns = (BarColumn(bar_width=None), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress("embedding", *columns, console=console, disable=not console.is_terminal) as bar:
        yield from bar.track(outcomes, total=total)


def _embed_all(names: Sequence[str], pack: Path, jobs: int) -> "Iterator[Row | Failure]":
    """Embed each; with several jobs in as many processes, and in the order they finish."""
    if min(jobs, len(names)) <= 1:
        with interrupts_noted() as interrupts:
            for name in names:
                yield _embed_one(name, pack)
                if interrupts:
                    raise KeyboardInterrupt
        return
    from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
    from multiprocessing import get_context

    _embedder(pack)  # a pack that cannot be used is said once, and here
    with ProcessPoolExecutor(jobs, get_context("spawn"), _leave_interrupts_to_parent) as pool:
        waiting = (pool.submit(_embed_one, name, pack) for name in names)
        running = set(islice(waiting, 2 * jobs))  # each worker has its next one at hand
        while running:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            running.update(islice(waiting, len(finished)))
            yield from (future.result() for future in finished)


def _leave_interrupts_to_parent() -> None:
    """Die of Ctrl-C at once and silently: the parent says what there is to say."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _embed_one(name: str, pack: Path) -> "Row | Failure":
    from voxgate.embeddings_file import Row

    now = time.time()
    try:
        embedding = _embedder(pack).embed(name)
    except AudioError as error:
        return Failure(name, type(error).__name__, str(error))
    return Row(name, embedding.vector, embedding.speech_s, now, embedding.pack)


@cache
def _embedder(pack: Path) -> "Embedder":
    """The one embedder of this process."""
    from voxgate.embed import Embedder
    from voxgate.packs import load_pack

    return Embedder(load_pack(pack))


def _share_of(names: list[str], shard: str | None) -> list[str]:
    """Every n-th name from the k-th on, for the shard "k/n"."""
    if shard is None:
        return names
    parts = re.fullmatch(r"(\d+)/(\d+)", shard)
    k, n = (int(parts[1]), int(parts[2])) if parts else (0, 0)
    if not 1 <= k <= n:
        raise UsageError(f"--shard {shard}: give K/N with K from 1 to N, such as 2/8.")
    return names[k - 1 :: n]
