import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from store.samples import START, sample
from voxgate.errors import StoreError, UsageError
from voxgate.store.document import Enrolled, from_document, to_document


@pytest.fixture
def document() -> Any:
    """A good document, fresh from JSON."""
    first = replace(sample(1), id="0123456789abcdef" * 2, vector=np.array([0.6, 0.8], np.float32))
    second = replace(sample(2), vector=np.array([0, 1], np.float32))
    samples = [("tiny@1", first), ("tiny@1", second)]
    enrolled = Enrolled("ada", START, samples, {"locale": "en-GB"}, ("staff", "night shift"))
    return json.loads(json.dumps(to_document(enrolled)))


def test_a_document_is_as_documented(document: dict[str, Any]) -> None:
    assert document.pop("samples")[0] == {
        "id": "0123456789abcdef0123456789abcdef",
        "pack": "tiny@1",
        "name": "recording-1.wav",
        "speech_s": 5 + 1 / 7,
        "added_at": "2025-01-31T12:00:01.123456+00:00",
        "quality": {"snr_db": 20.5, "warnings": [{"code": "made up 1"}]},
        "embedding": "mpkZP83MTD8=",
    }
    assert document == {
        "format": "voxgate speaker",
        "version": 2,
        "speaker": "ada",
        "created_at": "2025-01-31T12:00:00.123456+00:00",
        "metadata": {"locale": "en-GB"},
        "groups": ["staff", "night shift"],
    }


def test_reading_gives_what_was_written(document: dict[str, Any]) -> None:
    assert to_document(from_document(document)) == document


def test_another_version_is_refused_with_both_numbers(document: dict[str, Any]) -> None:
    document["version"] = 3
    with pytest.raises(StoreError, match="has version 3, but this voxgate reads versions 1 to 2"):
        from_document(document)


def test_a_document_of_version_1_is_read(document: dict[str, Any]) -> None:
    current = from_document(document)
    former = {key: document[key] for key in document if key not in {"metadata", "groups"}}
    found = from_document(former | {"version": 1})
    assert found._replace(samples=[]) == current._replace(samples=[], metadata={}, groups=())
    assert [(pack, kept.id) for pack, kept in found.samples] == [
        (pack, kept.id) for pack, kept in current.samples
    ]
    with pytest.raises(StoreError, match="unknown field 'metadata'"):
        from_document(document | {"version": 1})
    with pytest.raises(StoreError, match="give at least one"):
        from_document(former | {"version": 1, "samples": []})


def test_a_speaker_may_have_no_sample(document: dict[str, Any]) -> None:
    assert from_document(document | {"samples": []}).samples == []


@pytest.mark.parametrize("given", [None, [], "ada", 1, {}])
def test_what_is_no_document_is_refused(given: Any) -> None:
    with pytest.raises(StoreError, match="not a speaker that voxgate has exported: it "):
        from_document(given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "voicemail"}, "format is 'voicemail'"),
        ({"version": True}, "'version' of it has the wrong type"),
        ({"speaker": 1}, "'speaker' of it has the wrong type"),
        ({"samples": {}}, "'samples' of it has the wrong type"),
        ({"metadata": []}, "'metadata' of it has the wrong type"),
        ({"groups": {}}, "'groups' of it has the wrong type"),
        ({"groups": [1]}, "one of its groups has the wrong type"),
        ({"samples": [1]}, "sample 1 is not a JSON object"),
        ({"created_at": "yesterday"}, "it has 'yesterday' for a date"),
        ({"more": 1}, "it has an unknown field 'more'"),
    ],
)
def test_a_malformed_document_is_refused(
    document: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        from_document(document | change)


@pytest.mark.parametrize(
    "field", ["format", "version", "speaker", "created_at", "metadata", "groups", "samples"]
)
def test_every_field_is_needed(document: dict[str, Any], field: str) -> None:
    del document[field]
    with pytest.raises(StoreError, match=f"it has no '{field}'"):
        from_document(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "../x"}, "32 hexadecimal digits"),
        ({"id": "0123456789abcdef" * 2}, "the same id"),
        ({"speech_s": "5"}, "'speech_s' of sample 2 has the wrong type"),
        ({"speech_s": -1}, "seconds of speech"),
        ({"speech_s": 10**400}, "seconds of speech"),
        ({"speech_s": float("nan")}, "seconds of speech"),
        ({"added_at": "2025-01-31T12:00:00"}, "sample 2 has '2025-01-31T12:00:00' for a date"),
        ({"added_at": "0001-01-01T00:00:00+05:00"}, "for a date"),
        ({"quality": []}, "'quality' of sample 2 has the wrong type"),
        ({"quality": {"snr_db": float("nan")}}, "cannot be kept as JSON"),
        ({"embedding": "AAAAAAAAAAA="}, "not a finite vector of length 1"),
        ({"embedding": "AACAfwAAgH8="}, "not a finite vector of length 1"),  # infinities
        ({"embedding": ""}, "not a finite vector of length 1"),
        ({"embedding": "AAAA"}, "not base64 of float32"),  # three bytes
        ({"embedding": "!"}, "not base64 of float32"),
        ({"embedding": "é"}, "not base64 of float32"),
        ({"vector": []}, "sample 2 has an unknown field 'vector'"),
    ],
)
def test_a_malformed_sample_is_refused(
    document: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    document["samples"][1] |= change
    with pytest.raises(StoreError, match=message):
        from_document(document)


def test_names_go_by_the_rules_for_names(document: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="speaker's name"):
        from_document(document | {"speaker": "a\nb"})
    document["samples"][0]["pack"] = " "
    with pytest.raises(UsageError, match="pack's id"):
        from_document(document)
