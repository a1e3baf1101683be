"""What Prometheus is told."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from voxgate.embed import Embedding
from voxgate.errors import TooLittleSpeechError, UnreadableAudioError
from voxgate.server.metrics import Metrics
from voxgate.server.trace import Trace, tracing


def read(metrics):
    """{(name, label values in order): value} of all that is told."""
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


class Ears:
    """Hears two seconds in everything, or fails."""

    def __init__(self, error=None):
        self.error = error
        self.waiting = []

    def embed(self, source):
        self.waiting.append(read(self.metrics)[("voxgate_recordings_waiting",)])
        if self.error:
            raise self.error
        return Embedding(None, 2.0, None, (), "p@1", "x")


@pytest.fixture
def metrics():
    return Metrics()


def heard(metrics, error=None):
    ears = Ears(error)
    ears.metrics = metrics
    return ears, metrics.listening(ears)


def test_a_request_is_counted_with_its_stages_and_decisions(metrics):
    trace = Trace("id", stages={"embed": 0.03}, decisions=[("verify", "accept")])
    metrics.answered(trace, method="POST", route="/v1/x", status=200, seconds=0.04)
    told = read(metrics)
    assert told[("voxgate_requests_total", "POST", "/v1/x", "200")] == 1
    assert told[("voxgate_request_seconds_sum", "/v1/x")] == pytest.approx(0.04)
    assert told[("voxgate_stage_seconds_sum", "embed")] == pytest.approx(0.03)
    assert told[("voxgate_stage_seconds_sum", "rest")] == pytest.approx(0.01)
    assert told[("voxgate_decisions_total", "verify", "accept")] == 1


def test_a_recording_is_counted_while_it_waits_and_when_it_is_heard(metrics):
    ears, listener = heard(metrics)
    with tracing(Trace("id")) as trace:
        assert listener.embed("x").speech_s == 2.0
    assert ears.waiting == [1]
    told = read(metrics)
    assert told[("voxgate_recordings_waiting",)] == 0
    assert told[("voxgate_speech_seconds_sum",)] == 2.0
    assert set(trace.stages) == {"embed"}


def test_a_recording_that_cannot_be_read_is_counted_by_its_error(metrics):
    _, listener = heard(metrics, UnreadableAudioError("ada.wav: no sound"))
    with pytest.raises(UnreadableAudioError):
        listener.embed("x")
    told = read(metrics)
    assert told[("voxgate_recordings_refused_total", "UnreadableAudioError")] == 1
    assert told[("voxgate_recordings_waiting",)] == 0
    assert told[("voxgate_speech_seconds_count",)] == 0
    assert "ada.wav" not in metrics.text().decode()


def test_too_little_speech_is_speech_all_the_same(metrics):
    _, listener = heard(metrics, TooLittleSpeechError("x", 0.4, 1.0))
    with pytest.raises(TooLittleSpeechError):
        listener.embed("x")
    assert read(metrics)[("voxgate_speech_seconds_sum",)] == pytest.approx(0.4)


def test_it_tells_of_the_model_and_what_was_shed(metrics, tiny_pack):
    metrics.model(tiny_pack)
    metrics.shed("overload")
    told = read(metrics)
    assert told[("voxgate_model_info", str(tiny_pack.dim), tiny_pack.id)] == 1
    assert told[("voxgate_requests_shed_total", "overload")] == 1
