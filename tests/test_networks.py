import feature_model
import numpy as np
import pytest
from voices import RATE, speak

from voxgate.embed import Embedder
from voxgate.errors import PackError, TooLittleSpeechError
from voxgate.frontends import make_front_end
from voxgate.frontends.presets import PRESETS
from voxgate.install import ModelFacts, install

FACTS = ModelFacts("a test")
WESPEAKER = PRESETS["wespeaker"]
RESEMBLYZER = PRESETS["resemblyzer"]


def pack_of(model, preset=WESPEAKER, table=None, **changes):
    table = {**(table or preset.table("feats", "embs")), **changes}
    return install("mine", model, preset.front_end, table, FACTS)


def expected(features):
    vector = feature_model.run(features)
    return vector / np.linalg.norm(vector)


def test_a_pack_with_a_front_end_embeds_the_features_of_the_speech():
    speech = speak(1, 1.7)
    pack = pack_of(feature_model.build())
    features = make_front_end(WESPEAKER.front_end).features(speech)
    assert Embedder(pack).embed_waveform(speech) == pytest.approx(expected(features), abs=1e-5)


def test_the_front_end_of_another_family_gives_another_embedding():
    speech = speak(1, 1.7)
    right = Embedder(pack_of(feature_model.build())).embed_waveform(speech)
    wrong = Embedder(pack_of(feature_model.build(), PRESETS["3d-speaker"])).embed_waveform(speech)
    assert right @ wrong < 0.99999


def test_bands_may_come_first_with_lengths_and_filling():
    speech = speak(1, 1.0)
    preset = PRESETS["nemo"]
    model = feature_model.build(bands_first=True, length="length", logits="logits")
    pack = pack_of(model, preset, preset.table("feats", "embs", "length"))
    features = make_front_end(preset.front_end).features(speech)
    filled = np.pad(features, ((0, -len(features) % 16), (0, 0)))
    assert len(filled) == 112
    assert Embedder(pack).embed_waveform(speech) == pytest.approx(expected(filled), abs=1e-5)
    raw = Embedder(pack).raw_output(speech)[0]
    assert raw == pytest.approx(len(features) * feature_model.run(filled), rel=1e-3)


def test_windows_are_averaged():
    speech = speak(1, 4.0)
    pack = pack_of(feature_model.build(40), RESEMBLYZER)
    starts = range(0, 77 * 4, 77)
    assert starts[-1] + 160 > 1 + len(speech) // 160 - 77
    filled = np.pad(speech, (0, max(0, (starts[-1] + 160) * 160 - len(speech))))
    features = make_front_end(RESEMBLYZER.front_end).features(filled)
    outputs = [feature_model.run(features[start : start + 160]) for start in starts]
    mean = np.mean(outputs, axis=0)
    found = Embedder(pack).raw_output(speech)[0]
    assert found == pytest.approx(mean, rel=1e-3, abs=1e-3)


def test_more_windows_than_a_batch_are_all_heard():
    speech = speak(1, 12.0)
    embedder = Embedder(pack_of(feature_model.build(40), RESEMBLYZER))
    starts = embedder._network._feeding.window_starts(len(speech), 160)
    assert len(starts) > 8
    filled = np.pad(speech, (0, max(0, (starts[-1] + 160) * 160 - len(speech))))
    features = make_front_end(RESEMBLYZER.front_end).features(filled)
    mean = np.mean([feature_model.run(features[s : s + 160]) for s in starts], axis=0)
    assert embedder.raw_output(speech)[0] == pytest.approx(mean, rel=1e-3, abs=1e-3)


def test_speech_too_short_for_a_frame_is_refused():
    with pytest.raises(TooLittleSpeechError, match=r"at least 0\.03 s"):
        Embedder(pack_of(feature_model.build())).raw_output(np.zeros(100, np.float32))


@pytest.mark.parametrize(
    "changes", [{"input": "sound"}, {"output": "embedding"}, {"length_input": "length"}]
)
def test_a_model_that_is_not_as_stated_is_refused(changes):
    with pytest.raises(PackError, match="promises"):
        pack_of(feature_model.build(), **changes)


def test_long_speech_is_cut_into_windows_of_half_a_minute():
    pack = pack_of(feature_model.build())
    assert pack.max_window_s == 30
    speech = np.concatenate([speak(1, 20.0), speak(2, 20.0)])
    embedder = Embedder(pack)
    halves = [embedder.raw_output(half)[0] for half in np.split(speech, 2)]
    total = sum(half / np.linalg.norm(half) for half in halves)
    expected = total / np.linalg.norm(total)
    assert embedder.embed_waveform(speech) == pytest.approx(expected, abs=1e-5)
    assert len(speech) == RATE * 40
