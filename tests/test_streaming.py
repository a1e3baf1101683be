import numpy as np
import pytest
import tiny_pack
from voices import speak

from voxgate.decision import Outcome
from voxgate.errors import AudioError, SpeakerNotFoundError, UsageError
from voxgate.packs import load_pack
from voxgate.scoring import Costs, FalseAcceptRate
from voxgate.streaming import Conversation
from voxgate.verify import Verifier

RATE = 16_000


@pytest.fixture(scope="module")
def verifier(tmp_path_factory):
    """Knows ada and bob."""
    verifier = Verifier("memory:", pack=load_pack(tiny_pack.write(tmp_path_factory.mktemp("t"))))
    for name, voice in {"ada": 6, "bob": 21}.items():
        verifier.enrol(name, [speak(voice, 3.0, take) for take in range(2)])
    return verifier


def blocks(waveform, size=RATE // 5):
    return [waveform[start : start + size] for start in range(0, len(waveform), size)]


def heard(conversation, waveform):
    """What it says after each block, and at the end."""
    return [*(conversation.hear(block) for block in blocks(waveform)), conversation.end()]


def test_it_accepts_as_soon_as_the_voice_is_sure_and_hears_no_more(verifier):
    told = heard(Conversation.verifying(verifier, "ada"), speak(6, 12.0, 3))
    first = next(one for one in told if one.found)
    assert (first.found.outcome, first.final) == (Outcome.ACCEPT, True)
    assert 1.0 <= first.speech_s < 1.3
    after = told[told.index(first) :]
    assert all(one is first for one in after)


def test_a_stranger_is_looked_at_ever_more_seldom_and_rejected_at_the_end(verifier):
    told = heard(Conversation.verifying(verifier, "ada"), speak(21, 9.0, 3))
    looks = [one for one in told if one.found]
    assert [one.final for one in looks] == [False] * (len(looks) - 1) + [True]
    assert all(one.found.outcome is Outcome.REJECT for one in looks)
    times = [one.speech_s for one in looks[:-1]]
    assert [round(time) for time in times] == [1, 2, 4, 8][: len(times)]
    assert len(times) >= 3


def test_all_looks_together_keep_the_false_accept_rate(verifier):
    talk = Conversation.verifying(verifier, "ada", policy=FalseAcceptRate(0.06), longest_s=16)
    assert talk.policy == FalseAcceptRate(0.06 / 6)  # 1, 2, 4, 8, 16 s, and the end
    costs = Costs(prior=0.3)
    assert Conversation.verifying(verifier, "ada", policy=costs).policy is costs


def test_much_sound_at_once_is_one_look(verifier):
    talk = Conversation.verifying(verifier, "ada")
    assert talk.hear(speak(21, 9.0, 3)).found is not None
    assert talk.hear(np.zeros(RATE, np.float32)).found is None


def test_it_is_over_at_its_longest(verifier):
    told = heard(Conversation.verifying(verifier, "ada", longest_s=2.0), speak(21, 9.0, 3))
    final = next(one for one in told if one.final)
    assert final.audio_s == 2.0
    assert told[-1] is final


def test_without_speech_there_is_too_little_and_without_sound_an_error(verifier):
    noise = np.random.default_rng(0).normal(0, 1e-3, 3 * RATE).astype(np.float32)
    final = heard(Conversation.verifying(verifier, "ada"), noise)[-1]
    assert (final.found.outcome, final.speech_s) == (Outcome.NOT_ENOUGH_SPEECH, 0.0)
    with pytest.raises(AudioError, match="empty"):
        Conversation.verifying(verifier, "ada").end()
    with pytest.raises(AudioError, match="nothing but zeros"):
        heard(Conversation.verifying(verifier, "ada"), np.zeros(RATE, np.float32))


def test_who_it_is_among_all_or_some(verifier):
    lax = FalseAcceptRate(0.5)
    final = heard(Conversation.identifying(verifier, policy=lax), speak(21, 6.0, 3))[-1]
    assert (final.found.best, final.found.searched) == ("bob", 2)
    final = heard(Conversation.identifying(verifier, among=["ada"]), speak(21, 6.0, 3))[-1]
    assert (final.found.best, final.found.searched) == (None, 1)


def test_what_cannot_be_followed_is_refused(verifier):
    with pytest.raises(SpeakerNotFoundError):
        Conversation.verifying(verifier, "eve")
    for longest_s in (1.0, 700.0, float("nan")):
        with pytest.raises(UsageError, match="is not possible"):
            Conversation.verifying(verifier, "ada", longest_s=longest_s)
