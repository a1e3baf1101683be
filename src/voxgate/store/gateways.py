"""What a store keeps for a service beside voices: its keys, its batch jobs, its answers."""

from collections.abc import Collection
from typing import Any, Protocol

from voxgate.store.entities import Answer, ApiKey, Claim, Job, JobFailure, JobStatus


class Keys(Protocol):
    """The API keys of a service over a store: those of all domains."""

    def add(self, key: ApiKey) -> None:
        """Keep a key; ids are never used again."""

    def find(self, key_id: str) -> ApiKey | None:
        """The key of an id, revoked or expired ones, too."""

    def list(self) -> list[ApiKey]:
        """All keys, in the order they were made."""

    def revoke(self, key_id: str) -> None:
        """Let a key open nothing from now on; one that is revoked stays as it is."""

    def touch(self, key_id: str, *, every_s: float) -> None:
        """Note that a key is used now, unless that was noted within so many seconds."""


class Jobs(Protocol):
    """The batch jobs of a domain. What one is to do is sealed, and forgotten when it is over."""

    def add(self, kind: str, total: int, payload: dict[str, Any], *, id: str | None = None) -> Job:
        """Keep a job for so many speakers; its payload, JSON-ready, says all the rest."""

    def find(self, job_id: str) -> Job:
        """A job of this domain, or a JobNotFoundError."""

    def page(self, *, after: str | None = None, limit: int = 100) -> list[Job]:
        """The domain's jobs, the newest first; after a job of the page before."""

    def cancel(self, job_id: str) -> Job:
        """See that no worker goes on with it; one that is over stays as it is."""

    def remove(self, job_id: str) -> None:
        """Forget a job for good; for traces, see `Store.delete`."""

    def claim(self, worker: str, among: Collection[str], *, lease_s: float) -> Job | None:
        """Give a worker the oldest job of any domain that nobody has, of those with these ids.

        It is the worker's for so many seconds, and as many again with each `progress`.
        """

    def payload(self, job_id: str) -> dict[str, Any]:
        """What a job of any domain is to do, or a JobNotFoundError when it is over."""

    def progress(  # noqa: PLR0913 - the whole state of a job that is running
        self,
        job_id: str,
        worker: str,
        *,
        lease_s: float,
        done: int = 0,
        skipped: int = 0,
        failure: JobFailure | None = None,
        status: JobStatus = "running",
    ) -> bool:
        """Add to what is finished; False where the job is not this worker's any more."""


class Responses(Protocol):
    """What requests with an idempotency key were answered, in a domain; for 24 hours.

    A key is claimed by the first request that has it. Whatever forgets something of a speaker for
    good forgets the content of all answers that name the speaker, or may do so, in the same
    transaction; with a group or a job go all that name anybody. That there were answers is known
    until their time is over.
    """

    def begin(self, key: str, request: str, *, lease_s: float) -> Claim | Answer:
        """Claim a key, or find what the request that has it was answered.

        The claim of whoever neither finishes nor renews it within so many seconds is over, and
        the request can be done again.

        Args:
            key: the caller's.
            request: all that tells the request from others, but for its body.
            lease_s: how long the claim holds.

        Raises:
            KeyReusedError: the key belongs to another request.
            RequestInProgressError: the request is being worked on at this moment.
        """

    def renew(self, claim: Claim, *, lease_s: float) -> None:
        """Hold a claim for so many seconds more, if it still holds."""

    def finish(self, claim: Claim, answer: Answer, *, names: Collection[str] | None) -> None:
        """Keep what was answered, if the claim still holds.

        The content of an answer of more than LONGEST_ANSWER bytes is not kept; nor is that of one
        which is about somebody who was deleted since the request began.

        Args:
            claim: from `begin`.
            answer: what to answer the same request from now on.
            names: the speakers or fraudsters whom its content names; None if that is not known.
        """

    def release(self, claim: Claim) -> None:
        """Give a claim up, so that the request can be done again at once."""
