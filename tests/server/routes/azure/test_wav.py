import io
import struct
import wave

import numpy as np
import pytest
import soundfile as sf

from voxgate.server.routes.azure.refusals import Refused
from voxgate.server.routes.azure.wav import check_media_type, check_wav


def wav(seconds=2.0, *, rate=16_000, width=2, channels=1):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setframerate(rate)
        file.setsampwidth(width)
        file.setnchannels(channels)
        file.writeframes(bytes(round(seconds * rate) * width * channels))
    return buffer.getvalue()


def refusal(call, *words):
    with pytest.raises(Refused) as caught:
        call(*words)
    return caught.value.status, caught.value.code, caught.value.message


@pytest.mark.parametrize("seconds", [1.0, 120.0])
def test_the_documented_format_is_taken_at_both_ends_of_its_length(seconds):
    check_wav(wav(seconds))


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ({"rate": 8_000}, "8,000 Hz, 16 bits, 1 channels"),
        ({"width": 1}, "16,000 Hz, 8 bits, 1 channels"),
        ({"channels": 2}, "16,000 Hz, 16 bits, 2 channels"),
    ],
)
def test_another_format_is_refused_with_what_was_found(other, found):
    assert refusal(check_wav, wav(**other)) == (
        400,
        "InvalidRequest",
        f"Invalid audio format: {found}. Supported format is 16 kHz 16-bit mono PCM.",
    )


def flac():
    buffer = io.BytesIO()
    sf.write(buffer, np.zeros(32_000), 16_000, format="FLAC")
    return buffer.getvalue()


@pytest.mark.parametrize("recording", [b"", b"RIFF", b"no sound at all", wav()[:30], flac()])
def test_what_is_no_wav_file_is_refused_for_its_format(recording):
    assert refusal(check_wav, recording)[2].startswith("Invalid audio format: no WAV file of PCM.")


@pytest.mark.parametrize(("seconds", "message"), [(0.99, "Minimum"), (120.01, "Maximum")])
def test_a_recording_out_of_the_documented_length_is_refused(seconds, message):
    assert f"{message} allowed length per request" in refusal(check_wav, wav(seconds))[2]


def test_a_header_that_promises_more_than_there_is_does_not_lengthen_a_recording():
    short = wav(0.5)
    lying = short[:40] + struct.pack("<I", 2**31 - 8) + short[44:]
    assert "Minimum allowed length" in refusal(check_wav, lying)[2]


@pytest.mark.parametrize(
    "name", ["audio/wav; codecs=audio/pcm", "Audio/WAV", "audio/x-wav", "application/octet-stream"]
)
def test_the_media_types_that_clients_send_for_wav_are_taken(name):
    check_media_type(name)


@pytest.mark.parametrize("name", ["", "audio/mpeg", "application/json", "multipart/form-data"])
def test_another_media_type_is_415(name):
    status, code, message = refusal(check_media_type, name)
    assert (status, code) == (415, "UnsupportedMediaType")
    assert message.endswith("Only 'audio/wav; codecs=audio/pcm' is accepted.")
