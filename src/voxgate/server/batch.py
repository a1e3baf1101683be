"""What a batch job is to do, and how one of its speakers is done.

As with Amazon Connect Voice ID, a job either enrols speakers or registers fraudsters; a voiceprint
that is there already is skipped or overwritten, and a speaker who sounds like a known fraudster
is enrolled all the same or fails.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from voxgate.embed import Embedding
from voxgate.errors import AudioError, EnrolmentError, KnownFraudsterError, SpeakerNotFoundError
from voxgate.server.archives import Labelled
from voxgate.server.bodies import NamedBytes
from voxgate.server.spool import Spool
from voxgate.store import Voiceprint
from voxgate.verify import Verifier

Kind = Literal["enrolment", "fraudsters"]
Existing = Literal["skip", "overwrite"]
OnFraudRisk = Literal["ignore", "fail"]
Result = Literal["enrolled", "skipped"]


@dataclass(frozen=True)
class Item:
    """One speaker of a job, and the numbers and names of the recordings."""

    speaker: str
    recordings: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Batch:
    """What a job is to do; kept sealed, for it names speakers and holds a key."""

    kind: Kind
    items: tuple[Item, ...]
    key: bytes  # of the spool
    existing: Existing = "skip"
    on_fraud_risk: OnFraudRisk = "fail"
    watchlist: str | None = None  # that fraudsters are put on

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "key": self.key.hex()}

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> "Batch":
        """What `to_dict` gave."""
        items = (
            Item(one["speaker"], tuple((number, name) for number, name in one["recordings"]))
            for one in kept["items"]
        )
        return cls(**{**kept, "items": tuple(items), "key": bytes.fromhex(kept["key"])})


def spooled(given: Iterable[Labelled], spool: Spool) -> tuple[Item, ...]:
    """Put recordings into the spool, and list them by speaker in the order they came."""
    by_speaker: dict[str, list[tuple[int, str]]] = {}
    for number, one in enumerate(given):
        spool.put(number, one.recording)
        by_speaker.setdefault(one.speaker, []).append((number, one.name))
    return tuple(Item(speaker, tuple(found)) for speaker, found in by_speaker.items())


@dataclass(frozen=True)
class Processor:
    """Does the speakers of one job, one at a time."""

    batch: Batch
    spool: Spool
    speakers: Verifier  # of the domain
    watch: Verifier  # the fraudsters known to it
    since: datetime  # when the job was given

    def process(self, item: Item) -> Result:
        """Enrol one speaker, or register one fraudster.

        What this job enrolled before it was interrupted counts as enrolled, and is not taken
        for a voiceprint that was there before.

        Raises:
            VoxgateError: it failed, and why.
        """
        there = self._voiceprint(item)
        if there is not None and self._is_ours(there, item):
            self._put_on_watchlist(item)
            return "enrolled"
        if there is not None and self.batch.existing == "skip":
            return "skipped"
        heard = self._hear(item)
        if self.batch.kind == "enrolment" and self.batch.on_fraud_risk == "fail":
            self._refuse_fraudster(heard, item.speaker)
        self._side.enrol(item.speaker, heard, mode="new" if there is None else "replace")
        self._put_on_watchlist(item)
        return "enrolled"

    @property
    def _side(self) -> Verifier:
        return self.speakers if self.batch.kind == "enrolment" else self.watch

    def _voiceprint(self, item: Item) -> Voiceprint | None:
        try:
            return self._side.store.voiceprint(item.speaker, self._side.pack.id)
        except SpeakerNotFoundError:
            return None

    def _is_ours(self, there: Voiceprint, item: Item) -> bool:
        """Whether a voiceprint was made from this item's recordings, since the job was given."""
        if there.updated_at < self.since:
            return False
        names = {name for _, name in item.recordings}
        samples = self._side.store.samples(item.speaker, self._side.pack.id)
        return all(one.name in names and one.added_at >= self.since for one in samples)

    def _hear(self, item: Item) -> list[Embedding]:
        """The recordings that can be heard; the others fail only together."""
        heard: list[Embedding] = []
        reasons = []
        for number, name in item.recordings:
            try:
                heard.append(self._side.embed(NamedBytes(self.spool.get(number), name)))
            except AudioError as error:
                reasons.append(str(error))
        if not heard:
            raise EnrolmentError(f"No recording can be enrolled. {' '.join(reasons)}")
        return heard

    def _refuse_fraudster(self, heard: Sequence[Embedding], speaker: str) -> None:
        """Compare the recording with the most speech with all known fraudsters."""
        found = self.watch.identify(max(heard, key=lambda one: one.speech_s), top=1)
        if found.best is not None:
            raise KnownFraudsterError(speaker)

    def _put_on_watchlist(self, item: Item) -> None:
        if self.batch.kind == "fraudsters" and self.batch.watchlist is not None:
            self.watch.store.put_group(self.batch.watchlist)
            self.watch.store.add_members(self.batch.watchlist, [item.speaker])
