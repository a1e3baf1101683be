"""Taking samples and speakers in, and letting go of them, within one transaction."""

from voxgate.errors import SampleNotFoundError, SpeakerExistsError, SpeakerOptedOutError
from voxgate.store import Mode, Voiceprint, groups, opt_outs, responses
from voxgate.store.checks import check_ids, check_presence, not_found
from voxgate.store.document import Enrolled
from voxgate.store.rows import Rows, Speaker
from voxgate.store.times import now


def known(rows: Rows, name: str, pack: str | None = None) -> Speaker:
    """The speaker of a name, or a SpeakerNotFoundError with the nearest names."""
    speaker = rows.speaker(name)
    if speaker is None:
        raise not_found(name, pack, rows.names())
    return speaker


def admit(rows: Rows, name: str) -> None:
    """Refuse who has opted out."""
    if opt_outs.holds(rows, name):
        raise SpeakerOptedOutError(name)


def make(rows: Rows, given: Enrolled) -> Speaker:
    """Make a speaker who is not there, without samples.

    Raises:
        SpeakerExistsError: there already.
        SpeakerOptedOutError: the speaker does not want to be in the store.
    """
    admit(rows, given.speaker)
    if rows.speaker(given.speaker) is not None:
        raise SpeakerExistsError(given.speaker)
    speaker = rows.add_speaker(given.speaker, given.created_at)
    rows.describe(speaker, given.metadata)
    rows.raise_revision()
    return speaker


def enrol(rows: Rows, given: Enrolled, pack: str, mode: Mode) -> Voiceprint:
    """Keep the given samples of one pack; a speaker who is not known yet is made."""
    name, added = given.speaker, given.samples_of(pack)
    admit(rows, name)
    there = rows.speaker(name)
    present = there is not None and rows.has_voiceprint(there, pack)
    check_presence(mode, name, pack, present=present, names=rows.names())
    speaker = there or rows.add_speaker(name, given.created_at)
    removed = rows.remove_samples(speaker, pack) if mode == "replace" else 0
    check_ids(added, rows.sample_ids(speaker))
    rows.add_samples(speaker, pack, added)
    voiceprint = _renew_voiceprint(rows, speaker, pack)
    rows.touch_speaker(speaker, now())
    rows.raise_revision(erasure=removed > 0)
    if removed:
        responses.blank(rows, name)
    return voiceprint


def take_in(rows: Rows, given: Enrolled, mode: Mode) -> None:
    """Keep all that a document tells of a speaker.

    Metadata does not replace other metadata, unless the mode is to replace.
    """
    for pack in given.packs:
        enrol(rows, given, pack, mode)
    if not given.samples and (mode == "new" or rows.speaker(given.speaker) is None):
        make(rows, given)
    speaker = known(rows, given.speaker)
    if given.metadata and (mode == "replace" or not rows.metadata(speaker)):
        rows.describe(speaker, given.metadata)
        if speaker.sealed_metadata is not None:
            rows.raise_revision(erasure=True)
            responses.blank(rows, speaker.name)
    for name in given.groups:
        groups.put(rows, name)
        group = groups.required(rows, name)
        groups.add_members(rows, group, [speaker.id])


def remove_sample(rows: Rows, speaker: Speaker, sample_id: str) -> str:
    """Remove one sample and bring the voiceprint up to date; says of which pack it was."""
    pack = rows.remove_sample(speaker, sample_id)
    if pack is None:
        raise SampleNotFoundError(speaker.name, sample_id)
    if rows.count_samples(speaker, pack):
        _renew_voiceprint(rows, speaker, pack)
    else:
        rows.remove_voiceprint(speaker, pack)
    rows.touch_speaker(speaker, now())
    rows.raise_revision(erasure=True)
    responses.blank(rows, speaker.name)
    return pack


def _renew_voiceprint(rows: Rows, speaker: Speaker, pack: str) -> Voiceprint:
    samples = [sample for _, sample in rows.samples(speaker, pack)]
    voiceprint = Voiceprint.of(speaker.name, pack, samples)
    rows.put_voiceprint(speaker, voiceprint)
    return voiceprint
