"""Where enrolled voices are kept. `open_store` picks the backend from a URL.

A speaker has samples, one for each enrolled recording, and per model pack one voiceprint,
which is always `Voiceprint.of` all the samples of that pack. Names are compared after
Unicode normalisation (NFC) and without surrounding white space. Times are in UTC.

Speakers belong to a domain (a tenant, a customer, an application), and nothing of one domain
is ever found in another. Each domain has two sides: its speakers, and the fraudsters known to
it. A `Store` is a view on one side of one domain.
"""

import os
from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from voxgate.errors import StoreError
from voxgate.store.entities import Answer as Answer
from voxgate.store.entities import ApiKey as ApiKey
from voxgate.store.entities import AuditEntry as AuditEntry
from voxgate.store.entities import AuditReport as AuditReport
from voxgate.store.entities import Claim as Claim
from voxgate.store.entities import GroupSummary as GroupSummary
from voxgate.store.entities import Job as Job
from voxgate.store.entities import JobFailure as JobFailure
from voxgate.store.entities import JobStatus as JobStatus
from voxgate.store.entities import Mode as Mode
from voxgate.store.entities import Nearest as Nearest
from voxgate.store.entities import Sample as Sample
from voxgate.store.entities import SpeakerSummary as SpeakerSummary
from voxgate.store.entities import Voiceprint as Voiceprint
from voxgate.store.gateways import Jobs as Jobs
from voxgate.store.gateways import Keys as Keys
from voxgate.store.gateways import Responses as Responses

DEFAULT_DOMAIN = "default"


class Store(Protocol):
    """What every backend does, and all that the rest of voxgate may rely on.

    A change is made as a whole or not at all, and is there for good when the method returns.
    Several threads and processes may use one store at a time. Changes of speakers, exports,
    opt-outs and changes of domains write their own audit entries.

    Raises:
        UsageError: a name has control characters, or is not of 1 to 256 characters.
        DomainNotFoundError: the domain of this view does not exist, or not any more.
        StoreError: and the errors below it, from any method, as errors.py describes them.
    """

    @property
    def domain(self) -> str:
        """The name of the domain that this is a view on."""

    @property
    def keys(self) -> Keys:
        """The API keys, the same whatever this is a view on."""

    @property
    def jobs(self) -> Jobs:
        """The batch jobs of this domain."""

    @property
    def responses(self) -> Responses:
        """What requests with an idempotency key were answered in this domain."""

    def within(self, domain: str) -> "Store":
        """A view on the speakers of another domain, over the same connections."""

    def fraudsters(self) -> "Store":
        """A view on the fraudsters known to this domain; its groups are the watchlists."""

    def domains(self) -> list[str]:
        """The names of all domains, sorted; "default" is always there."""

    def add_domain(self, name: str) -> None:
        """Make an empty domain, or raise a DomainExistsError."""

    def delete_domain(self, name: str) -> None:
        """Forget a domain for good, with everything in it; for traces, see `delete`.

        Its API keys are revoked.

        The audit log keeps that a domain was deleted.

        Raises:
            DomainNotFoundError: it does not exist.
            UsageError: it is the default one.
        """

    def add_speaker(self, speaker: str, metadata: dict[str, Any] | None = None) -> SpeakerSummary:
        """Make a speaker without samples.

        Args:
            speaker: a name, unique on this side of the domain.
            metadata: what to keep with it, sealed; JSON-ready, of at most 16 KiB.

        Raises:
            SpeakerExistsError: there already.
            SpeakerOptedOutError: that speaker does not want to be in the store.
        """

    def speaker(self, speaker: str) -> SpeakerSummary:
        """One speaker, also without samples, or a SpeakerNotFoundError."""

    def describe(self, speaker: str, metadata: dict[str, Any]) -> SpeakerSummary:
        """Put other metadata in the place of a speaker's, which is forgotten for good."""

    def enrol(
        self, speaker: str, pack: str, samples: Sequence[Sample], *, mode: Mode = "new"
    ) -> Voiceprint:
        """Keep the samples and bring the voiceprint up to date.

        Args:
            speaker: whose voice it is.
            pack: id of the pack that made the embeddings.
            samples: one or more.
            mode: "new" refuses a speaker who is enrolled with this pack already, "add" one
                who is not; "replace" enrols in either case, and leaves nothing of the
                samples that were there before.

        Raises:
            SpeakerExistsError: mode "new", and there already.
            SpeakerNotFoundError: mode "add", and not there.
            SpeakerOptedOutError: that speaker does not want to be in the store.
        """

    def voiceprint(self, speaker: str, pack: str) -> Voiceprint:
        """The voiceprint of one speaker, or a SpeakerNotFoundError with the nearest names."""

    def voiceprints(self, pack: str) -> list[Voiceprint]:
        """All voiceprints of one pack, by name."""

    def samples(self, speaker: str, pack: str | None = None) -> list[Sample]:
        """The samples of one speaker in the order they came; of all packs without `pack`.

        Raises:
            SpeakerNotFoundError: no such speaker, or none enrolled with `pack`.
        """

    def speakers(self) -> list[SpeakerSummary]:
        """All speakers, by name."""

    def page(
        self, *, after: str | None = None, limit: int = 100, group: str | None = None
    ) -> list[SpeakerSummary]:
        """The first speakers by name, of those that come after a name.

        Args:
            after: the last name of the page before; whoever had it may be gone.
            limit: how many at most, 1 to 1000.
            group: only the members of this group.
        """

    def search(
        self,
        pack: str,
        vector: NDArray[np.float32],
        count: int,
        *,
        among: Collection[str] | None = None,
        group: str | None = None,
    ) -> Nearest | None:
        """The voiceprints nearest by cosine, nearest first, where the database can search.

        None where it cannot: then all voiceprints are there to be searched by the caller.
        Among very many, a few of the nearest may be missed.

        Args:
            pack: id of the pack whose voiceprints to search.
            vector: (dim,), unit length.
            count: how many to find at most.
            among: only speakers of these names; one who is not enrolled is nobody.
            group: only the members of this group.

        Raises:
            GroupNotFoundError: no such group.
        """

    def remove_sample(self, speaker: str, sample_id: str) -> None:
        """Forget one sample for good, and make the voiceprint anew; with the last one it goes.

        Raises:
            SampleNotFoundError: the speaker has no sample of that id.
        """

    def reset(self, speaker: str) -> None:
        """Forget all samples and voiceprints for good; the speaker, metadata and groups stay."""

    def delete(self, speaker: str) -> None:
        """Forget a speaker for good: nothing is left in the bytes of the store's files.

        In those of a large PostgreSQL nothing is left when they are next written afresh.

        The audit log keeps that something was deleted, under a keyed hash of the name.

        Raises:
            StoreWriteError: nothing was deleted; or it was, but its traces cannot be
                removed yet. The message says which.
        """

    def opt_out(self, speaker: str) -> None:
        """Forget whoever has this name, known or not, and refuse to take them in from now on.

        Nothing is left but a keyed hash of the name; for traces, see `delete`.
        """

    def opt_in(self, speaker: str) -> None:
        """Take back an opt-out, if there is one; nothing that was forgotten comes back."""

    def opted_out(self, speaker: str) -> bool:
        """Whether somebody of this name has opted out."""

    def put_group(self, name: str) -> GroupSummary:
        """Make a group, unless it is there."""

    def groups(self) -> list[GroupSummary]:
        """All groups, by name."""

    def delete_group(self, name: str) -> None:
        """Forget a group for good, or raise a GroupNotFoundError; its members stay speakers."""

    def members(self, group: str) -> list[str]:
        """The names of a group's members, sorted; or a GroupNotFoundError."""

    def add_members(self, group: str, speakers: Sequence[str]) -> None:
        """Put speakers into a group; those who are in it stay. All of them or none.

        Raises:
            GroupNotFoundError: no such group.
            SpeakerNotFoundError: one of them is no speaker.
        """

    def remove_members(self, group: str, speakers: Sequence[str]) -> None:
        """Take speakers out of a group, as far as they are in it.

        Raises:
            GroupNotFoundError: no such group.
            SpeakerNotFoundError: one of them is no speaker.
        """

    def export(self, speaker: str) -> dict[str, Any]:
        """All that is kept about a speaker, JSON-ready; see voxgate.store.document."""

    def import_(self, document: dict[str, Any], *, mode: Mode = "new") -> SpeakerSummary:
        """Take in what `export` gave, pack by pack as `enrol` does, all of it or nothing."""

    def revision(self) -> int:
        """A number that changes with the speakers or groups of this view; cheap to ask.

        Also by another process. No number comes twice, whatever is deleted and made again.
        """

    def audit(self, action: str, speaker: str | None, detail: dict[str, Any]) -> None:
        """Write an entry that nobody can change or remove, so name no person in `detail`."""

    def audit_log(self, limit: int = 100, *, speaker: str | None = None) -> list[AuditEntry]:
        """The domain's newest entries first, of both sides; with `speaker`, only about them."""

    def verify_audit(self, *, noted: str | None = None) -> AuditReport:
        """Check that no entry of the whole log was altered, put in or taken out.

        Args:
            noted: the head of an earlier report: it shows, too, that what came before it was
                not put back to a still earlier state together with the rest of the database.
        """

    def close(self) -> None:
        """Let go of files and connections; those of all views on the database."""


BACKENDS = {  # URL scheme -> "module:name" of what opens it, imported only when asked for
    "memory": "voxgate.store.memory:open_memory",
    "postgresql": "voxgate.store.postgres:open_postgres",
    "sqlite": "voxgate.store.sqlite:open_sqlite",
}


def open_store(
    url: str | None = None, *, key: bytes | None = None, domain: str = DEFAULT_DOMAIN
) -> Store:
    """Open the store at `url`, such as "sqlite:///voices.db" or "memory:".

    Args:
        url: where it is; without it, `default_url`.
        key: the 32 bytes that everything is encrypted with. Without it they come from the
            environment variable VOXGATE_KEY, or from a key file next to the database.
        domain: whose speakers to see; it has to exist when the first of them is asked for.

    Raises:
        StoreError: and the errors below it: there is no such backend, the key is wrong, the
            database is damaged or of a newer version, or cannot be written.
    """
    url = url or default_url()
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in BACKENDS:
        raise StoreError(
            f"No store backend for {scheme!r}; a store is written as sqlite:///voices.db "
            f"(known: {', '.join(sorted(BACKENDS))})."
        )
    module, _, name = BACKENDS[scheme].partition(":")
    store: Store = getattr(import_module(module), name)(url, key=key)
    return store.within(domain)


def default_url() -> str:
    """The environment variable VOXGATE_STORE, or a SQLite file in the user's data folder."""
    if url := os.environ.get("VOXGATE_STORE"):
        return url
    from platformdirs import user_data_path  # noqa: PLC0415 - not needed otherwise

    return f"sqlite:///{user_data_path('voxgate', appauthor=False) / 'voxgate.db'}"
