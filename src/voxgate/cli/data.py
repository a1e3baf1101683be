"""voxgate data: prepare a corpus, divide it by speakers, check that the sides share nothing."""

# ruff: noqa: PLC0415 - imports wait until a command runs

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.commands import add_command
from voxgate.cli.exits import DONE, FAILED
from voxgate.errors import AudioError, UsageError

if TYPE_CHECKING:
    from voxgate.train.corpora import Recording

app = typer.Typer(help="Prepare and divide corpora for training, and check them for leaks.")


def check(  # noqa: PLR0913 - options of a command
    corpora: Annotated[
        list[Path], typer.Argument(metavar="CORPUS...", help="Two or more folders or files.")
    ],
    *,
    format: options.CorpusFormat = None,
    rate: options.PickleRate = 16_000,
    rows_per_speaker: options.RowsPerSpeaker = 10,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", help="Processes that decode.")] = 2,
    json: options.Json = False,
) -> int:
    """Check that corpora share no speaker and no recording.

    Recordings are compared by their decoded sound: a copy under another name, or in another
    lossless format, is found. Exit code 0: they share nothing. 2: they do, and all is listed; or a
    recording cannot be decoded.
    """
    from multiprocessing import Pool

    from voxgate.train.corpora import ReadOptions, read_corpus
    from voxgate.train.leaks import Labelled, find_leaks, named_after_place, speaker_of

    if len(corpora) < 2 or len(set(corpora)) < len(corpora):
        raise UsageError("Give two corpora or more, each once: they are compared.")
    if jobs < 1:
        raise UsageError(f"--jobs is {jobs}; give 1 or more.")
    reading = ReadOptions(rate_hz=rate, rows_per_speaker=rows_per_speaker)
    read = {path: read_corpus(path, format, options=reading) for path in corpora}
    bare = any(named_after_place(path, found) for path, found in read.items())
    sides, failures = {}, []
    with Pool(jobs) as pool:
        for path, found in read.items():
            contents = pool.map(_content_of, found, chunksize=16)
            sides[str(path)] = [
                Labelled(speaker_of(r, bare=bare), r.name, content)
                for r, (content, _) in zip(found, contents, strict=True)
            ]
            failures += [(str(r.path), m) for r, (_, m) in zip(found, contents, strict=True) if m]
    leaks = [str(leak) for leak in find_leaks(sides)]
    if json:
        counts = {name: len(side) for name, side in sides.items()}
        output.print_json({"recordings": counts, "leaks": leaks, "failures": dict(failures)})
        return FAILED if leaks or failures else DONE
    output.print_failures(failures)
    for leak in leaks:
        output.print_error(f"shared: {leak}")
    if leaks:
        output.print_verdict(f"leaks: {output.count(len(leaks), 'case')}", colour="red")
    elif not failures:
        compared = output.count(sum(map(len, sides.values())), "recording")
        output.print_verdict(f"no leaks: {compared} compared", colour="green")
    return FAILED if leaks or failures else DONE


def _content_of(recording: "Recording") -> tuple[str, str]:
    """Its content, and why there is none."""
    from voxgate.train.leaks import content_of

    try:
        return content_of(recording.waveform()), ""
    except AudioError as error:
        return "", str(error)


def split(  # noqa: PLR0913 - options of a command
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="A folder or file.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where the manifests are written.")
    ],
    *,
    dev: Annotated[float, typer.Option(metavar="SHARE", help="Of the speakers, to dev.")] = 0.1,
    test: Annotated[float, typer.Option(metavar="SHARE", help="Of the speakers, to test.")] = 0.0,
    seed: Annotated[int, typer.Option(metavar="N", help="Another draw.")] = 1,
    format: options.CorpusFormat = None,
) -> int:
    """Divide the speakers of a corpus: train.csv, dev.csv and, if asked for, test.csv.

    No speaker is in two of them, and every dataset gives its share. Exit code 0: done. 2: the
    corpus cannot be read, or a part would be empty.
    """
    from voxgate.atomic import complete_or_absent
    from voxgate.train.corpora import detect_format, manifest, read_corpus
    from voxgate.train.splits import by_speaker

    if (format or detect_format(corpus)) == "pickle":
        raise UsageError(f"{corpus} is an array; a manifest can only list sound files.")
    shares = {"train": 1 - dev - test, "dev": dev} | ({"test": test} if test else {})
    parts = by_speaker(read_corpus(corpus, format), shares, seed)
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for part, inside in parts.items():
        with complete_or_absent(out / f"{part}.csv") as file:
            manifest.write(inside, file)
        rows.append((part, f"{len({r.speaker for r in inside}):,}", f"{len(inside):,}"))
    output.print_table(("", "speakers", "recordings"), rows, align="lrr")
    return DONE


def prepare(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Of the corpus; see 'voxgate data corpora'.")
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where it lies, unpacked.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="For the manifests: NAME, here."),
    ] = None,
) -> int:
    """Make a published corpus ready to be trained on: LibriSpeech, VoxCeleb, VCTK and others.

    lhotse writes manifests of it; the recordings stay where they are. Nothing is downloaded.
    Exit code 0: done. 2: the corpus is not known, or the folder does not hold it.
    """
    from voxgate.train.corpora.prepare import prepare as write_manifests

    place = out or Path(name)
    found = write_manifests(name, folder, place)
    speakers = output.count(len({r.speaker for r in found}), "speaker")
    output.print_verdict(
        f"{place}: {output.count(len(found), 'recording')} of {speakers}", colour="green"
    )
    return DONE


def corpora(*, json: options.Json = False) -> int:
    """List the published corpora that 'voxgate data prepare' knows, one a line.

    Exit code 0: done.
    """
    from voxgate.train.corpora.prepare import known_corpora

    names = known_corpora()
    if json:
        output.print_json({"corpora": names})
    else:
        typer.echo("\n".join(names))
    return DONE


_PREPARE = ("voxgate data prepare librispeech LibriSpeech/ -o ls", "then: voxgate train --data ls")

add_command(app, check, "check", ("voxgate data check train/ dev/", "exit code 2 if they share"))
add_command(app, split, "split", ("voxgate data split corpus/ -o split/", "9 of 10 speakers train"))
add_command(app, prepare, "prepare", _PREPARE)
add_command(app, corpora, "corpora", ("voxgate data corpora", "librispeech, voxceleb, vctk, ..."))
