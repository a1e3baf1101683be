"""Manifests of lhotse: recordings and supervisions, or cuts, in .jsonl or .jsonl.gz files.

See https://lhotse.readthedocs.io. Only what names a sound file with one channel is read; lhotse
could also run commands and fetch addresses, and is not let.
"""

from pathlib import Path
from typing import Any

from voxgate.errors import CorpusError
from voxgate.extras import need
from voxgate.train.corpora.recording import Reader, ReadOptions, Recording

_SUFFIXES = (".jsonl.gz", ".jsonl")
_MARKS = ("recordings", "supervisions", "cuts")  # in the names that lhotse gives its files


def found_in(path: Path) -> bool:
    """Is it a folder with manifests under lhotse's names, or one of them?"""
    return bool(_files(path))


def read(path: Path, options: ReadOptions) -> list[Recording]:
    """Read the manifests in a folder, or one file of cuts; each supervision is a recording.

    Raises:
        CorpusError: they are malformed, or name no speaker or no plain file.
        MissingExtraError: lhotse is not installed.
    """
    del options
    lhotse = need("lhotse", "corpora")
    sounds: dict[str, Any] = {}
    spoken: list[tuple[str, Any, float]] = []  # recording's id, supervision, where its time begins
    files = _files(path)
    if not files:
        raise CorpusError(f"{path} holds no manifests of lhotse (recordings, supervisions, cuts).")
    for file in files:
        for item in _items(file):
            if isinstance(item, lhotse.Recording):
                sounds[item.id] = item
            elif isinstance(item, lhotse.SupervisionSegment):
                spoken.append((item.recording_id, item, 0.0))
            elif isinstance(item, lhotse.MonoCut) and item.has_recording:
                sounds[item.recording_id] = item.recording
                spoken += [(item.recording_id, s, item.start) for s in item.supervisions]
            else:
                raise CorpusError(
                    f"{file} holds a {type(item).__name__}; recordings, supervisions and cuts of "
                    "one channel are read."
                )
    dataset = (path if path.is_dir() else path.parent).absolute().name
    return [_recording(dataset, path, sounds.get(of), said, at) for of, said, at in spoken]


def _items(file: Path) -> Any:
    from lhotse.serialization import load_manifest_lazy  # noqa: PLC0415 - an extra

    try:
        return list(load_manifest_lazy(file) or ())
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError, OSError) as error:
        raise CorpusError(
            f"{file} is no manifest of lhotse ({type(error).__name__}: {error})."
        ) from None


def _recording(dataset: str, path: Path, sound: Any, said: Any, at_s: float) -> Recording:
    if sound is None:
        raise CorpusError(f"{path} lists {said.id!r} of a recording that it does not list.")
    if not said.speaker:
        raise CorpusError(f"{path} lists {said.id!r} without a speaker; add it.")
    if len(sound.sources) != 1 or sound.sources[0].type != "file" or sound.num_channels != 1:
        raise CorpusError(
            f"{path} gives {sound.id!r} as something else than one file of one channel; convert it."
        )
    whole = abs(said.duration - sound.duration) < 0.01 and abs(at_s + said.start) < 0.01
    start_s = max(0.0, at_s + said.start)
    return Recording(
        dataset=dataset,
        speaker=f"{dataset}/{said.speaker}",
        name=said.id,
        path=_absolute(path, Path(sound.sources[0].source)),
        start_s=0.0 if whole else start_s,
        end_s=None if whole else start_s + said.duration,
        language=said.language or "",
        sex=said.gender or "",
        age=str((said.custom or {}).get("age") or ""),
    )


def _absolute(manifest: Path, source: Path) -> Path:
    """A relative source is relative to the working folder for lhotse; the manifest's is tried."""
    folder = manifest if manifest.is_dir() else manifest.parent
    return folder / source if (folder / source).is_file() else source


def _files(path: Path) -> list[Path]:
    files = sorted(path.glob("*")) if path.is_dir() else [path]
    return [
        file
        for file in files
        if file.name.endswith(_SUFFIXES) and any(mark in file.name for mark in _MARKS)
    ]


READER = Reader("manifests of lhotse (recordings and supervisions, or cuts)", found_in, read)
