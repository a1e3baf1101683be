"""Every error voxgate raises on purpose.

VoxgateError
├── AudioError                     the sound cannot be read, or is not fit to use
│   ├── AudioFileNotFoundError     there is no such file
│   ├── UnreadableAudioError       a file, but no sound that can be decoded
│   ├── DamagedAudioError          sound, but cut short, not finite, or all zeros
│   └── TooLittleSpeechError       sound, but not enough of a voice in it
├── PackError                      a model pack is missing something or is wrong
│   ├── PackNotFoundError          no pack of that name
│   ├── PackTamperedError          a file of it is not the one that was signed for
│   ├── PackMismatchError          embeddings of two packs were to be compared
│   ├── UncalibratedPackError      it embeds, but cannot decide
│   ├── DownloadError              a public model cannot be had from where it is
│   └── CheckpointError            a checkpoint cannot be converted, or is not safe to read
├── ScoringError                   these numbers cannot be scored
├── EnrolmentError                 none, or not all, of the recordings may be enrolled
│   ├── AnotherVoiceError          a recording is not the voice already enrolled
│   └── KnownFraudsterError        the speaker sounds like a known fraudster
├── StoreError                     the enrolment store refused
│   ├── SpeakerNotFoundError       nobody of that name is enrolled
│   ├── SpeakerExistsError         somebody of that name is enrolled already
│   ├── SpeakerOptedOutError       somebody of that name does not want to be enrolled
│   ├── SampleNotFoundError        the speaker has no such recording
│   ├── GroupNotFoundError         no group, or watchlist, of that name
│   ├── JobNotFoundError           no batch job of that id
│   ├── DomainNotFoundError        no domain of that name
│   ├── DomainExistsError          a domain of that name is there already
│   ├── KeyReusedError             an idempotency key came with another request
│   ├── RequestInProgressError     a request with this idempotency key is being worked on
│   ├── AnswerForgottenError       what this request was answered is not kept
│   ├── StoreKeyError              the key is missing, malformed, or not this store's
│   ├── StoreCorruptError          the database is damaged, or its content was altered
│   ├── StoreWriteError            read-only or full disk
│   └── StoreUnavailableError      its server cannot be reached now
├── TrainingError                  a training run cannot start, or cannot go on
│   ├── CorpusError                labelled recordings cannot be read as they are stored
│   └── LeakError                  sides of a split share speakers or recordings
├── EvaluationError                an evaluation or a calibration lacks what it needs
├── MicrophoneError                there is no microphone, or it cannot be used
├── OverloadedError                more is asked of the service than it can do now
├── OutputError                    a result cannot be written where it was asked for
├── UsageError                     an option's value makes no sense
└── MissingExtraError              an optional dependency is not installed
"""

from collections.abc import Sequence
from pathlib import Path


class VoxgateError(Exception):
    """Base of them all. Its message is one plain sentence, fit to show to a user."""


class AudioError(VoxgateError):
    """The sound cannot be read, or is not fit to use."""


class AudioFileNotFoundError(AudioError, FileNotFoundError):
    """There is no such file."""


class UnreadableAudioError(AudioError):
    """A file, but no sound that can be decoded: a folder, empty, text, no audio stream."""


class DamagedAudioError(AudioError):
    """Sound, but cut short, holding NaN or infinity, or nothing but zeros."""


class TooLittleSpeechError(AudioError):
    """The recording holds less speech than is needed."""

    def __init__(self, name: str, found_s: float, needed_s: float) -> None:
        super().__init__(
            f"{name}: found {found_s:.2f} s of speech; at least {needed_s:.2f} s is needed."
        )
        self.name = name
        self.found_s = found_s
        self.needed_s = needed_s


class PackError(VoxgateError):
    """A model pack is missing something, or says something that makes no sense."""


class PackNotFoundError(PackError):
    """No pack of that name."""


class PackTamperedError(PackError):
    """A file of the pack does not have the SHA-256 that its pack.toml states."""

    def __init__(self, path: Path, expected: str, found: str) -> None:
        super().__init__(
            f"{path}: SHA-256 is {found[:12]}…, but pack.toml states {expected[:12]}…; "
            "the file is damaged or was altered. Install the pack again."
        )
        self.path = path
        self.expected = expected
        self.found = found


class PackMismatchError(PackError):
    """Embeddings of two packs were to be compared, which says nothing."""

    def __init__(self, pack: str, other: str) -> None:
        super().__init__(
            f"An embedding of {other} cannot be compared with {pack}: embeddings of two packs "
            "have nothing in common. Enrol the speaker with the pack that is used."
        )
        self.pack = pack
        self.other = other


class UncalibratedPackError(PackError):
    """The pack embeds, but has no cohort and no calibration, so it cannot decide."""

    def __init__(self, pack: str) -> None:
        super().__init__(
            f"The pack {pack} is not calibrated, so it cannot decide how sure a comparison is. "
            "Calibrate it on recordings of yours with 'voxgate calibrate --cohort'."
        )
        self.pack = pack


class DownloadError(PackError):
    """A public model cannot be had from where it is."""


class CheckpointError(PackError):
    """A checkpoint cannot be converted: not the network it should be, or not safe to read."""


class ScoringError(VoxgateError, ValueError):
    """These numbers cannot be scored."""


class EnrolmentError(VoxgateError):
    """The recordings may not be enrolled."""


class AnotherVoiceError(EnrolmentError):
    """The recording is not the voice it would be enrolled with."""


class KnownFraudsterError(EnrolmentError):
    """The speaker sounds like a known fraudster, and is not to be enrolled for it."""

    def __init__(self, speaker: str) -> None:
        super().__init__(
            f"{speaker} sounds like a known fraudster, so nothing is enrolled; see who it is, and "
            "enrol with the fraud risk ignored if it is no fraudster."
        )
        self.speaker = speaker


class StoreError(VoxgateError):
    """The enrolment store refused."""


class SpeakerNotFoundError(StoreError, LookupError):
    """Nobody of that name is enrolled (with this pack)."""

    def __init__(self, speaker: str, pack: str, nearest: Sequence[str] = ()) -> None:
        hint = f" Did you mean {' or '.join(repr(name) for name in nearest)}?" if nearest else ""
        super().__init__(f"No speaker {speaker!r} is enrolled with {pack}.{hint}")
        self.speaker = speaker
        self.pack = pack
        self.nearest = tuple(nearest)


class SpeakerExistsError(StoreError):
    """Somebody of that name is enrolled already."""

    def __init__(self, speaker: str) -> None:
        super().__init__(
            f"Speaker {speaker!r} is enrolled already. Add to the enrolment with --add, "
            "or start it afresh with --replace."
        )
        self.speaker = speaker


class SpeakerOptedOutError(StoreError):
    """Somebody of that name does not want to be enrolled."""

    def __init__(self, speaker: str) -> None:
        super().__init__(
            f"Speaker {speaker!r} has opted out and is not taken in; "
            "enrol only after the speaker has opted in again."
        )
        self.speaker = speaker


class SampleNotFoundError(StoreError, LookupError):
    """The speaker has no such recording."""

    def __init__(self, speaker: str, sample_id: str) -> None:
        super().__init__(f"Speaker {speaker!r} has no enrolled recording {sample_id!r}.")
        self.speaker = speaker
        self.sample_id = sample_id


class GroupNotFoundError(StoreError, LookupError):
    """There is no group, or watchlist, of that name."""

    def __init__(self, group: str) -> None:
        super().__init__(f"There is no group {group!r}; make it first.")
        self.group = group


class JobNotFoundError(StoreError, LookupError):
    """There is no batch job of that id in the domain, or nothing is left for it to do."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no job {job_id!r}.")
        self.job_id = job_id


class DomainNotFoundError(StoreError, LookupError):
    """There is no domain of that name."""

    def __init__(self, domain: str) -> None:
        super().__init__(f"There is no domain {domain!r}; make it first.")
        self.domain = domain


class DomainExistsError(StoreError):
    """A domain of that name is there already."""

    def __init__(self, domain: str) -> None:
        super().__init__(f"There is a domain {domain!r} already; choose another name.")
        self.domain = domain


class KeyReusedError(StoreError):
    """An idempotency key came with another request than before."""

    def __init__(self) -> None:
        super().__init__(
            "This idempotency key was sent with another request before, or by another caller; "
            "choose a new one for each request."
        )


class RequestInProgressError(StoreError):
    """A request with this idempotency key is being worked on."""

    def __init__(self) -> None:
        super().__init__(
            "The request with this idempotency key is being worked on; "
            "send it again in a moment to have its answer."
        )


class AnswerForgottenError(StoreError):
    """The request was done before, but what it was answered is not kept."""

    def __init__(self, status: int) -> None:
        super().__init__(
            f"This request was answered before, with {status}, and is not done again; but its "
            "answer is not kept: it was secret or long, or somebody whom it may name was deleted."
        )
        self.status = status


class StoreKeyError(StoreError):
    """The key is missing, malformed, or not the one this store was made with."""


class StoreCorruptError(StoreError):
    """The database is damaged, or what it holds was altered."""


class StoreWriteError(StoreError):
    """The store cannot be written: read-only or full disk, or locked for too long."""


class StoreUnavailableError(StoreError):
    """The store's server cannot be reached, or is too busy; trying again later may succeed."""


class TrainingError(VoxgateError):
    """A training run cannot start, or cannot go on."""


class CorpusError(TrainingError):
    """Labelled recordings cannot be read as they are stored, or their labels make no sense."""


class LeakError(TrainingError):
    """Sides of a split share speakers or recordings; `leaks` names each."""

    def __init__(self, message: str, leaks: Sequence[str]) -> None:
        super().__init__(message)
        self.leaks = tuple(leaks)


class EvaluationError(VoxgateError):
    """An evaluation or a calibration lacks what it needs."""


class MicrophoneError(VoxgateError):
    """There is no microphone, or it cannot be used."""


class OverloadedError(VoxgateError):
    """More recordings wait for the service than it may keep waiting."""

    def __init__(self, waiting: int) -> None:
        super().__init__(
            f"The service is busy: {waiting} recordings are being heard or wait for it. "
            "Send this one again in a moment."
        )
        self.waiting = waiting


class OutputError(VoxgateError, OSError):
    """A result cannot be written where it was asked for."""


class UsageError(VoxgateError, ValueError):
    """An option's value makes no sense."""


class MissingExtraError(VoxgateError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f"'{module}' is not installed. Run: pip install 'voxgate[{extra}]'")
        self.extra = extra
