"""Azure's voice profiles, kept as speakers of the caller's domain.

A profile is a speaker whose name is a GUID and who is in the group of its family,
"azure-verification" or "azure-identification": a voice of one family is not found in the other.
"""

from collections.abc import Sequence
from uuid import UUID, uuid4

from voxgate.embed import Embedding
from voxgate.errors import (
    GroupNotFoundError,
    SpeakerExistsError,
    SpeakerNotFoundError,
    TooLittleSpeechError,
)
from voxgate.server.routes.azure.refusals import Refused, no_such_profile, not_enrolled
from voxgate.server.routes.azure.versions import Family, Profile
from voxgate.store import SpeakerSummary
from voxgate.verify import Verifier

LOCALE, WAIVED = "azure_locale", "azure_ignore_min_length"  # keys of a speaker's metadata
LEAST_SPEECH_S = 4.0  # to verify or identify
MOST_AUDIO_S = 300.0  # in all recordings of a profile
LEAST_SNR_DB = 2.0
MOST_CANDIDATES = 50


class Profiles:
    """The profiles of one family in one domain."""

    def __init__(self, verifier: Verifier, family: Family) -> None:
        self._verifier = verifier
        self._store = verifier.store
        self._group = f"azure-{family}"

    def create(self, locale: str) -> Profile:
        """Make a profile without recordings."""
        profile_id = str(uuid4())
        self._store.put_group(self._group)
        made = self._store.add_speaker(profile_id, {LOCALE: locale})
        self._store.add_members(self._group, [profile_id])
        return self._profile(made)

    def page(self, after: str | None, size: int) -> tuple[list[Profile], str | None]:
        """Profiles in the order of their ids, and after which one there are more."""
        try:
            found = self._store.page(after=after, limit=size + 1, group=self._group)
        except GroupNotFoundError:  # nobody has made a profile yet
            return [], None
        profiles = [self._profile(summary) for summary in found[:size]]
        return profiles, profiles[-1].id if len(found) > size else None

    def find(self, profile_id: str) -> Profile:
        """A profile of this family, or a 404."""
        return self._profile(self._summary(profile_id))

    def delete(self, profile_id: str) -> None:
        """Forget a profile and its voice for good."""
        self._store.delete(self._summary(profile_id).name)

    def reset(self, profile_id: str) -> Profile:
        """Forget the voice of a profile, which stays."""
        summary = self._summary(profile_id)
        self._store.reset(summary.name)
        if WAIVED in summary.metadata:
            kept = {name: value for name, value in summary.metadata.items() if name != WAIVED}
            self._store.describe(summary.name, kept)
        return self.find(profile_id)

    def enrol(
        self, profile_id: str, recording: bytes, *, waive: bool
    ) -> tuple[Profile, float, float]:
        """Add a recording: the profile now, and the seconds of sound and of speech in it.

        Args:
            profile_id: whose voice it is.
            recording: a WAV file.
            waive: enrolled from now on, with however little speech.

        Raises:
            Refused: the profile or the recording is not as Azure wanted it.
        """
        profile = self.find(profile_id)
        heard = self._hear(recording)
        if profile.audio_s + heard.quality.duration_s > MOST_AUDIO_S:
            raise Refused(
                403,
                f"Profile {profile.id} would have "
                f"{profile.audio_s + heard.quality.duration_s:.0f} s of enrollments. Maximum "
                f"allowed length across all profile enrollments is {MOST_AUDIO_S:g} seconds.",
                code="InvalidRequest",
            )
        try:
            self._verifier.enrol(profile.id, [heard], mode="add" if profile.recordings else "new")
        except (SpeakerExistsError, SpeakerNotFoundError):
            raise Refused(
                409, "Sending concurrent requests on same profile is not allowed. Send it again."
            ) from None
        if waive and not profile.waived:
            metadata = self._store.speaker(profile.id).metadata
            self._store.describe(profile.id, {**metadata, WAIVED: True})
        return self.find(profile.id), heard.quality.duration_s, heard.speech_s

    def claim(self, profile_id: str, recording: bytes, *, waive: bool) -> tuple[str, Embedding]:
        """The speaker and the recording of a claim that may be verified.

        Raises:
            Refused: the profile or the recording is not as Azure wanted it.
        """
        profile = self._enrolled(profile_id)
        return profile.id, self._hear(recording, 0.0 if waive else LEAST_SPEECH_S)

    def search(
        self, profile_ids: Sequence[str], recording: bytes, *, waive: bool
    ) -> tuple[list[str], Embedding]:
        """The speakers and the recording of a search that may be made.

        Raises:
            Refused: a profile or the recording is not as Azure wanted it.
        """
        among = list(dict.fromkeys(self._enrolled(one).id for one in profile_ids))
        return among, self._hear(recording, 0.0 if waive else LEAST_SPEECH_S)

    def _hear(self, recording: bytes, least_s: float = 0.0) -> Embedding:
        """The embedding of a recording with enough speech and not too much noise."""
        try:
            heard = self._verifier.embed(recording)
        except TooLittleSpeechError as error:
            raise _too_short(error.found_s, max(error.needed_s, least_s)) from None
        if heard.speech_s < least_s:
            raise _too_short(heard.speech_s, least_s)
        snr_db = heard.quality.snr_db
        if snr_db is not None and snr_db < LEAST_SNR_DB:
            raise Refused(
                400,
                f"Audio is too noisy: {snr_db:.1f} dB. The minimum allowed Signal-to-noise ratio "
                f"(SNR) is {LEAST_SNR_DB:g} dB.",
            )
        return heard

    def _enrolled(self, profile_id: str) -> Profile:
        """A profile that has a voice, or a 400."""
        profile = self.find(profile_id)
        if not profile.enrolled:
            raise not_enrolled(profile.id, profile.remaining_s)
        return profile

    def _summary(self, profile_id: str) -> SpeakerSummary:
        try:
            summary = self._store.speaker(str(UUID(profile_id)))
        except (ValueError, SpeakerNotFoundError):
            raise no_such_profile(profile_id) from None
        if self._group not in summary.groups:
            raise no_such_profile(profile_id)
        return summary

    def _profile(self, summary: SpeakerSummary) -> Profile:
        pack = self._verifier.pack.id
        samples = self._store.samples(summary.name, pack) if pack in summary.packs else []
        return Profile(
            id=summary.name,
            locale=str(summary.metadata.get(LOCALE, "")),
            created_at=summary.created_at,
            updated_at=summary.updated_at,
            recordings=len(samples),
            audio_s=sum(sample.quality["duration_s"] for sample in samples),
            speech_s=sum(sample.speech_s for sample in samples),
            waived=summary.metadata.get(WAIVED) is True,
            model=pack if samples else None,
        )


def _too_short(found_s: float, needed_s: float) -> Refused:
    return Refused(
        400,
        f"Invalid audio length: {found_s:.2f} s of speech. Minimum allowed speech is "
        f"{needed_s:g} seconds.",
    )
