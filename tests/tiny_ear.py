"""Hears voices without sound: for tests of what is done with recordings, not of hearing."""

from voices import speak

from voxgate.embed import Embedder, Embedding
from voxgate.errors import UnreadableAudioError
from voxgate.quality import Quality

CLEAN = {"snr_db": 30.0, "clipped": 0.0, "bandwidth_hz": 8_000.0, "level_dbfs": -20.0}


class TinyEar:
    """A listener that takes words for recordings.

    b"3/1" is the synthetic voice 3 in its take 1, with 2 s of speech; b"3/1 30 s" has 30 s;
    b"noise" cannot be read.
    """

    def __init__(self, pack):
        self._embedder, self._pack = Embedder(pack), pack.id

    def embed(self, source):
        name = getattr(source, "name", "recording")
        if source == b"noise":
            raise UnreadableAudioError(f"{name} is no sound.")
        words = source.split()
        voice, take = map(int, words[0].split(b"/"))
        seconds = float(words[1]) if len(words) > 1 else 2.0
        vector = self._embedder.embed_waveform(speak(voice, 2.0, take))
        quality = Quality(duration_s=seconds, speech_s=seconds, **CLEAN)
        return Embedding(vector, seconds, quality, (), self._pack, name)
