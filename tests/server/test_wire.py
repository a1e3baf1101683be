"""What workers answer comes over as bytes, and whatever else they send is no answer."""

import json
import pickle

import numpy as np
import pytest

from voxgate.embed import Embedding
from voxgate.errors import TooLittleSpeechError, UnreadableAudioError
from voxgate.quality import Quality, QualityWarning
from voxgate.server.wire import GarbledError, pack_embedding, pack_error, unpack
from voxgate.vad import Segment

EMBEDDING = Embedding(
    vector=np.array([0.6, 0.8], np.float32),
    speech_s=1.25,
    quality=Quality(3.0, 1.25, None, 0.01, 8000.0, -30.5, (QualityWarning("noisy", "It is."),)),
    segments=(Segment(0.5, 1.0), Segment(1.25, 2.0)),
    pack="tiny@1",
    name="a\n+.wav",
)


def test_an_embedding_comes_as_it_was():
    found = unpack(pack_embedding(EMBEDDING))
    np.testing.assert_array_equal(found.vector, EMBEDDING.vector)
    for part in ("speech_s", "quality", "segments", "pack", "name"):
        assert getattr(found, part) == getattr(EMBEDDING, part)


def test_an_error_comes_as_it_was():
    sent = TooLittleSpeechError("a.wav", 0.1, 0.25)
    with pytest.raises(TooLittleSpeechError) as raised:
        unpack(pack_error(sent))
    assert str(raised.value) == str(sent)
    assert vars(raised.value) == vars(sent)


def test_facts_that_are_not_plain_stay_behind():
    sent = UnreadableAudioError("No.")
    sent.path, sent.codec = object(), "mp3"
    with pytest.raises(UnreadableAudioError, match="No") as raised:
        unpack(pack_error(sent))
    assert vars(raised.value) == {"codec": "mp3"}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"?",
        pickle.dumps(EMBEDDING),
        b"+{}\n",
        b"+[]\n",
        b"+nonsense\n",
        pack_embedding(EMBEDDING) + b"x",
        pack_embedding(EMBEDDING).replace(b"noisy", b"\xff\xff"),
        b"-",
        b"-[]",
        b"-" + json.dumps({"kind": "annotations", "message": "", "facts": {}}).encode(),
        b"-" + json.dumps({"kind": "Nothing", "message": "", "facts": {}}).encode(),
        b"-" + json.dumps({"kind": "AudioError", "message": "", "facts": []}).encode()[:-2],
        b"-" + b"[" * 100_000,
    ],
)
def test_what_is_neither_is_garbled(answer):
    with pytest.raises(GarbledError):
        unpack(answer)
