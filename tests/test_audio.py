import io
import os
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from encoding import LongWav, tones

from voxgate.audio import BLOCK_SAMPLES, SAMPLE_RATE, load, name_of, open_audio
from voxgate.errors import (
    AudioError,
    AudioFileNotFoundError,
    DamagedAudioError,
    UnreadableAudioError,
)


class TestRates:
    @pytest.mark.parametrize("rate", [3999, 192_001])
    def test_a_rate_out_of_range_is_refused(self, rate, encoded):
        with pytest.raises(UnreadableAudioError, match=rf"{rate:,} Hz; from 4,000 to 192,000 Hz"):
            open_audio(encoded(tones(rate), "wav 16 bit", rate=rate))


class TestSources:
    def test_all_kinds_of_sources_give_the_same_waveform(self, voice, ada):
        path = voice("ada", 1)
        with path.open("rb") as file:
            file.read(100)  # read from the start all the same
            sources = [path, str(path), path.read_bytes(), file, io.BytesIO(path.read_bytes()), ada]
            for source in sources:
                assert np.array_equal(load(source), ada)
            assert not file.closed

    def test_a_recording_is_read_from_standard_input(self, voice, ada):
        code = "import sys, voxgate.audio as a; sys.stdout.buffer.write(a.load('-').tobytes())"
        piped = subprocess.run(
            [sys.executable, "-c", code],
            input=voice("ada", 1).read_bytes(),
            capture_output=True,
            check=True,
        )
        assert np.array_equal(np.frombuffer(piped.stdout, np.float32), ada)

    def test_a_terminal_as_standard_input_is_refused(self, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        with pytest.raises(UnreadableAudioError, match="Standard input is a terminal"):
            open_audio("-")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_a_pipe_is_read_like_a_file(self, voice, ada, tmp_path):
        pipe = tmp_path / "pipe.wav"
        os.mkfifo(pipe)
        content = voice("ada", 1).read_bytes()
        writer = threading.Thread(target=pipe.write_bytes, args=[content])
        writer.start()
        assert np.array_equal(load(pipe), ada)
        writer.join()

    def test_a_stream_that_cannot_seek_is_read(self, voice, ada):
        class Download(io.RawIOBase):
            content = io.BytesIO(voice("ada", 1).read_bytes())

            def readable(self):
                return True

            def readinto(self, buffer):
                return self.content.readinto(buffer)

        assert np.array_equal(load(Download()), ada)

    def test_a_waveform_of_16_bit_integers_is_scaled(self):
        assert load(np.int16([0, 16_384, -32_768])).tolist() == [0, 0.5, -1]

    def test_a_waveform_of_float64_is_converted(self):
        assert load(np.float64([0, 0.5, -1])).dtype == np.float32

    def test_a_waveform_is_copied_not_changed(self, ada):
        loaded = load(ada)
        loaded[:] = 0
        assert ada.any()

    @pytest.mark.parametrize(
        ("waveform", "message"),
        [
            (np.zeros((2, 100), np.float32), r"shape \(2, 100\); average its channels"),
            (np.ones(100, np.int32), "type int32; convert it to float32"),
            (np.zeros(0, np.float32), "is empty"),
        ],
    )
    def test_an_array_that_is_no_waveform_is_refused(self, waveform, message):
        with pytest.raises(UnreadableAudioError, match=message):
            open_audio(waveform)

    @pytest.mark.parametrize("source", [io.StringIO("text"), 7, [0.1, 0.2]])
    def test_what_is_no_source_is_refused(self, source):
        with pytest.raises(UnreadableAudioError, match=r"is not a recording\. Give a path"):
            open_audio(source)

    def test_sources_have_names(self, voice, ada, tmp_path):
        assert name_of(voice("ada", 1)) == name_of(str(voice("ada", 1))) == "ada-1.flac"
        assert (name_of("-"), name_of(b""), name_of(ada)) == (
            "standard input",
            "bytes",
            "waveform",
        )
        assert name_of(io.BytesIO()) == "file"
        with (tmp_path / "x.wav").open("wb") as file:
            assert name_of(file) == "x.wav"


class TestBadInput:
    def test_a_missing_file(self, tmp_path):
        with pytest.raises(AudioFileNotFoundError, match=r"none\.wav: there is no such file"):
            open_audio(tmp_path / "none.wav")

    def test_a_folder(self, tmp_path):
        with pytest.raises(UnreadableAudioError, match="is a folder"):
            open_audio(tmp_path)

    def test_an_impossible_path(self):
        with pytest.raises(UnreadableAudioError, match="cannot be opened"):
            open_audio("a\0b.wav")

    def test_no_permission(self, tmp_path, monkeypatch):
        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(UnreadableAudioError, match="permission denied"):
            open_audio(tmp_path / "secret.wav")

    def test_an_empty_file(self, tmp_path):
        (tmp_path / "empty.wav").touch()
        with pytest.raises(UnreadableAudioError, match=r"empty.wav is empty \(0 bytes\)"):
            open_audio(tmp_path / "empty.wav")

    def test_text_named_wav(self, tmp_path):
        (tmp_path / "notes.wav").write_text("Dear diary,\nnothing was recorded.\n" * 20)
        with pytest.raises(
            UnreadableAudioError, match=r"notes\.wav cannot be .*its content is text"
        ):
            open_audio(tmp_path / "notes.wav")

    def test_bytes_of_no_known_format(self):
        noise = np.random.default_rng(0).bytes(5000)
        with pytest.raises(UnreadableAudioError, match="no sound format that is known here"):
            open_audio(b"\x00\x01" + noise)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("rate", [8_000, 16_000])
    def test_samples_that_are_not_finite(self, bad, rate, encoded):
        sound = tones(rate)
        sound[rate // 2] = bad
        with pytest.raises(DamagedAudioError, match=r"not finite.*the first at 0.50 s"):
            load(encoded(sound, "wav float", rate=rate))

    def test_a_float64_waveform_beyond_float32(self):
        with pytest.raises(DamagedAudioError, match="not finite"):
            load(np.array([0.0, 1e300]))

    def test_integers_taken_for_floats(self):
        with pytest.raises(
            DamagedAudioError, match="samples of up to 12,000, where full scale is 1"
        ):
            load(np.float32([0, -12_000, 500]))

    @pytest.mark.parametrize("format", ["wav 16 bit", "flac", "m4a"])
    def test_nothing_but_zeros(self, format, encoded):
        path = encoded(np.zeros(16_000, np.float32), format)
        with pytest.raises(DamagedAudioError, match=r"x.* holds nothing but zeros \(1.[01] s"):
            load(path)

    def test_one_faint_sound_is_not_silence(self):
        sound = np.zeros(400_000, np.float32)
        sound[3] = 1e-4
        assert len(load(sound)) == 400_000

    def test_a_recording_that_is_too_long(self, ada):
        assert len(load(ada, max_s=6)) == len(ada)
        with pytest.raises(AudioError, match="waveform is longer than 5 s"):
            load(ada, max_s=5)


class TestStreaming:
    def test_three_hours_are_read_in_bounded_memory(self):
        tracemalloc.start()
        try:
            with open_audio(LongWav(tones(16_000), hours=3)) as stream:
                assert stream.info.duration_s == 3 * 3600
                assert sum(map(len, stream)) == 3 * 3600 * SAMPLE_RATE
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 8 * 2**20  # bytes; the whole would be 691 million

    def test_blocks_are_at_most_ten_seconds(self):
        with open_audio(LongWav(tones(44_100), hours=0.01)) as stream:
            lengths = [len(block) for block in stream]
        assert max(lengths) <= BLOCK_SAMPLES
        assert sum(lengths) == pytest.approx(36 * SAMPLE_RATE, abs=1)

    @pytest.mark.parametrize("rate", [4000, 11_025, 44_100])
    def test_block_borders_are_not_heard(self, rate):
        with open_audio(LongWav(tones(rate), hours=0.01)) as stream:
            waveform = np.concatenate(list(stream))
        expected = np.tile(tones(SAMPLE_RATE), 36)
        assert np.abs(waveform - expected)[800:-800].max() < 2e-3
