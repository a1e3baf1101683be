"""A client of Azure Speaker Recognition, over HTTP, against the service as it is started."""

import io
import secrets
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
import soundfile as sf
from started import started

from voxgate.server.keys import new_key
from voxgate.server.routes.azure.versions import NOBODY, V2, V2021
from voxgate.store import open_store

VOICES = Path(__file__).parents[4] / "examples" / "voices"
WAV = {"Content-Type": "audio/wav; codecs=audio/pcm"}
LENGTHS = ("enrollmentsLength", "enrollmentsSpeechLength", "remainingEnrollmentsSpeechLength")


def waveform(*names):
    return np.concatenate([sf.read(VOICES / f"{name}.flac", dtype="int16")[0] for name in names])


def wav(samples, rate=16_000):
    file = io.BytesIO()
    sf.write(file, samples, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


ADA = wav(np.tile(waveform("ada-1", "ada-2"), 3))  # well over 20 s of speech
EDSGER = wav(np.tile(waveform("edsger-1", "edsger-2"), 3))
ADA_FIRST = wav(waveform("ada-2"))
ADA_AGAIN = wav(waveform("ada-3"))
EDSGER_AGAIN = wav(waveform("edsger-3"))
SHORT = wav(waveform("ada-3")[: 2 * 16_000])


STORE_KEY = secrets.token_bytes(32)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('azure')}/voices.db"


@pytest.fixture(scope="module")
def store(url):
    """The store that the service uses."""
    opened = open_store(url, key=STORE_KEY)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def service(url, keys):
    settings = {
        "VOXGATE_STORE": url,
        "VOXGATE_KEY": STORE_KEY.hex(),
        "VOXGATE_EARS": "1",
        "OMP_NUM_THREADS": "1",
    }
    with started(program=("-m", "voxgate", "serve"), env=settings) as running:
        yield running


@pytest.fixture(scope="module")
def keys(store):
    """API keys by what they may do; "elsewhere" is one of another domain."""
    store.add_domain("elsewhere")
    may = {
        "all": (frozenset({"verify", "enrol"}), "default"),
        "verify": (frozenset({"verify"}), "default"),
        "elsewhere": (frozenset({"verify", "enrol"}), "elsewhere"),
    }
    made = {}
    for name, (scopes, domain) in may.items():
        key, made[name] = new_key(scopes, domain)
        store.keys.add(key)
    return made


class Azure:
    """What a client of one version and one family asks."""

    def __init__(self, client, version, family):
        self._client, self.version = client, version
        self._base = version.path(family)
        self._query = {"api-version": version.api_version} if version.api_version else {}

    def ask(self, method, path, *, query=None, **options):
        parameters = {**self._query, **(query or {})}
        return self._client.request(method, f"{self._base}{path}", params=parameters, **options)

    def create(self, locale="en-us"):
        answer = self.ask("POST", "/profiles", json={"locale": locale})
        assert answer.status_code == 201
        return answer.json()["profileId"]

    def act(self, profile_id, action, **options):
        return self.ask("POST", f"/profiles/{profile_id}{self.version.action}{action}", **options)

    def enrol(self, profile_id, recording, **query):
        path = f"/profiles/{profile_id}/enrollments"
        return self.ask("POST", path, content=recording, headers=WAV, query=query)

    def verify(self, profile_id, recording, **query):
        return self.act(profile_id, "verify", content=recording, headers=WAV, query=query)

    def identify(self, profile_ids, recording, **query):
        path = f"/profiles{self.version.action}identifySingleSpeaker"
        query["profileIds"] = ",".join(profile_ids)
        return self.ask("POST", path, content=recording, headers=WAV, query=query)

    def lengths(self, facts):
        return [facts[f"{name}{self.version.unit}"] for name in LENGTHS]


@pytest.fixture
def client(service, keys):
    with subscription(service, keys["all"]) as client:
        yield client


@pytest.fixture(params=[V2, V2021], ids=lambda version: version.name)
def verification(request, client):
    return Azure(client, request.param, "verification")


@pytest.fixture
def identification(verification, client):
    return Azure(client, verification.version, "identification")


def subscription(service, key):
    return service.client(headers={"Ocp-Apim-Subscription-Key": key})


def enrol_profile(service, key, family, recording):
    with subscription(service, key) as client:
        azure = Azure(client, V2021, family)
        made = azure.create()
        assert azure.enrol(made, recording).json()["enrollmentStatus"] == "Enrolled"
        return made


@pytest.fixture(scope="module")
def enrolled(service, keys):
    """A verification profile with Ada's voice; no test changes it."""
    return enrol_profile(service, keys["all"], "verification", ADA)


@pytest.fixture(scope="module")
def both(service, keys):
    """Identification profiles with the voices of Ada and Alan; no test changes them."""
    return [enrol_profile(service, keys["all"], "identification", voice) for voice in (ADA, EDSGER)]


def error_of(answer):
    """The status, code and message of an error in the documented shape."""
    error = answer.json()["error"]
    assert answer.headers["x-ms-error-code"] == error["code"]
    assert set(answer.json()) == {"error"}
    assert set(error) == {"code", "message"}
    return answer.status_code, error["code"], error["message"]


# the life cycle


def test_a_verification_profile_lives_as_documented(verification):
    created = verification.ask("POST", "/profiles", json={"locale": "en-us"})
    assert created.status_code == 201
    profile = created.json()
    made = profile["profileId"]
    assert str(UUID(made)) == made
    assert created.headers["location"].endswith(f"/profiles/{made}")
    assert (profile["locale"], profile["enrollmentStatus"]) == ("en-US", "Enrolling")
    assert verification.lengths(profile) == [0, 0, 20]

    first = verification.enrol(made, ADA_FIRST)
    assert first.status_code == 201
    audio_s, speech_s, remaining_s = verification.lengths(first.json())
    assert first.json()["enrollmentStatus"] == "Enrolling"
    assert 4 < speech_s < audio_s < 8
    assert remaining_s == pytest.approx(20 - speech_s, abs=0.02)
    assert first.json()[f"audioLength{verification.version.unit}"] == audio_s
    assert error_of(verification.verify(made, ADA_AGAIN))[:2] == (400, "InvalidRequest")

    second = verification.enrol(made, ADA).json()
    assert (second["enrollmentStatus"], second["enrollmentsCount"]) == ("Enrolled", 2)
    assert verification.lengths(second)[2] == 0
    found = verification.ask("GET", f"/profiles/{made}")
    assert (found.status_code, found.json()["enrollmentsCount"]) == (200, 2)
    assert found.json()["modelVersion"] == "ecapa-compact@7"

    own = verification.verify(made, ADA_AGAIN)
    assert (own.status_code, own.json()["recognitionResult"]) == (200, "accept")
    assert 0.5 <= own.json()["score"] <= 1
    other = verification.verify(made, EDSGER_AGAIN).json()
    assert other["recognitionResult"] == "reject"
    assert 0 <= other["score"] < 0.5

    reset = verification.act(made, "reset")
    assert reset.status_code == verification.version.reset_status
    again = verification.ask("GET", f"/profiles/{made}").json()
    assert (again["enrollmentStatus"], again["enrollmentsCount"]) == ("Enrolling", 0)
    assert verification.lengths(again) == [0, 0, 20]
    assert (reset.json() == again) if reset.status_code == 200 else (reset.content == b"")
    assert error_of(verification.verify(made, ADA_AGAIN))[0] == 400

    deleted = verification.ask("DELETE", f"/profiles/{made}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert error_of(verification.ask("GET", f"/profiles/{made}"))[:2] == (404, "NotFound")


def test_a_voice_is_identified_among_profiles_or_is_nobodys(identification, both):
    ada, edsger = both
    found = identification.identify([edsger, ada], ADA_AGAIN)
    assert found.status_code == 200
    assert found.json()["identifiedProfile"]["profileId"] == ada
    ranking = found.json()["profilesRanking"]
    assert [one["profileId"] for one in ranking] == [ada, edsger]
    assert ranking[0] == found.json()["identifiedProfile"]
    assert ranking[0]["score"] >= 0.5 > ranking[1]["score"]

    nobody = identification.identify([edsger], ADA_AGAIN).json()
    assert nobody["identifiedProfile"] == {"profileId": NOBODY, "score": 0.0}
    assert [one["profileId"] for one in nobody["profilesRanking"]] == [edsger]


def test_a_voice_of_one_family_is_not_found_in_the_other(verification, identification, enrolled):
    assert verification.ask("GET", f"/profiles/{enrolled}").status_code == 200
    for answer in (
        identification.ask("GET", f"/profiles/{enrolled}"),
        identification.ask("DELETE", f"/profiles/{enrolled}"),
        identification.act(enrolled, "reset"),
        identification.enrol(enrolled, ADA),
        identification.identify([enrolled], ADA_AGAIN),
    ):
        assert error_of(answer)[:2] == (404, "NotFound")
    listed = identification.ask("GET", "/profiles").json()[identification.version.items]
    assert enrolled not in [profile["profileId"] for profile in listed]


def test_a_speaker_who_is_no_profile_is_not_found(client, verification):
    name = str(uuid4())
    audio = {"content": ADA_AGAIN, "headers": {"Content-Type": "audio/wav"}}
    assert client.post(f"/v1/speakers/{name}/enrolments", **audio).status_code == 201
    assert error_of(verification.verify(name, ADA_AGAIN))[0] == 404


def test_the_minimum_lengths_can_be_waived(verification):
    made = verification.create()
    waived = verification.enrol(made, ADA_AGAIN, ignoreMinLength="true").json()
    assert waived["enrollmentStatus"] == "Enrolled"
    assert verification.lengths(waived)[2] == 0
    assert error_of(verification.verify(made, SHORT))[0] == 400
    assert verification.verify(made, SHORT, ignoreMinLength="true").status_code == 200
    verification.act(made, "reset")
    assert verification.enrol(made, ADA_AGAIN).json()["enrollmentStatus"] == "Enrolling"


def test_profiles_are_listed_by_id_page_by_page(client, verification):
    made = {verification.create() for _ in range(3)}
    names, found, sizes = verification.version, [], []
    page = verification.ask("GET", "/profiles", query={names.page_size: "2"}).json()
    while True:
        sizes.append(len(page[names.items]))
        found += [profile["profileId"] for profile in page[names.items]]
        if names.next_link not in page:
            break
        page = client.get(page[names.next_link]).json()
    assert made <= set(found)
    assert found == sorted(set(found))
    assert sizes[:-1] == [2] * (len(sizes) - 1)
    assert len(sizes) > 1


def test_a_profile_is_made_from_the_json_of_azures_quickstart(verification):
    options = {
        "content": b"{\n    'locale':'en-us'\n}",
        "headers": {"Content-Type": "application/json"},
    }
    answer = verification.ask("POST", "/profiles", **options)
    assert (answer.status_code, answer.json()["locale"]) == (201, "en-US")


def test_every_recognition_is_in_the_audit_log(verification, enrolled, store):
    verification.verify(enrolled, ADA_AGAIN)
    (entry,) = store.audit_log(1, speaker=enrolled)
    assert (entry.action, entry.detail["outcome"]) == ("verify", "accept")


# each error


@pytest.mark.parametrize("key", ["", "no-key", f"vg_{'0' * 12}_{'x' * 43}"])
def test_without_a_valid_key_nothing_is_answered(service, key):
    with subscription(service, key) as client:
        for family in ("verification", "identification"):
            azure = Azure(client, V2, family)
            for answer in (
                azure.ask("GET", "/profiles"),
                azure.ask("POST", "/profiles", json={"locale": "en-us"}),
                azure.enrol(NOBODY, ADA),
                azure.act(NOBODY, "reset"),
            ):
                assert error_of(answer)[:2] == (401, "Unauthorized")


def test_a_key_that_may_only_verify_changes_nothing(service, keys, enrolled):
    with subscription(service, keys["verify"]) as client:
        azure = Azure(client, V2021, "verification")
        assert azure.verify(enrolled, ADA_AGAIN).json()["recognitionResult"] == "accept"
        for answer in (
            azure.ask("POST", "/profiles", json={"locale": "en-us"}),
            azure.enrol(enrolled, ADA),
            azure.act(enrolled, "reset"),
            azure.ask("DELETE", f"/profiles/{enrolled}"),
        ):
            assert error_of(answer)[:2] == (403, "Forbidden")


def test_the_profiles_of_another_domain_are_unknown(service, keys, enrolled):
    with subscription(service, keys["elsewhere"]) as client:
        azure = Azure(client, V2021, "verification")
        assert azure.ask("GET", "/profiles").json() == {"value": []}
        assert error_of(azure.verify(enrolled, ADA_AGAIN))[0] == 404


@pytest.mark.parametrize(
    ("content", "media_type", "expected"),
    [
        (b"", "application/json", (400, "InvalidRequest", "Request body is missing")),
        (b"{", "application/json", (400, "InvalidRequest", "Invalid JSON format")),
        (b"[]", "application/json", (400, "InvalidRequest", "Invalid JSON format")),
        (b"{}", "application/json", (400, "InvalidRequest", "Locale parameter is missing")),
        (b'{"locale": "x"}', "application/json", (400, "InvalidArgument", "Invalid locale value")),
        (b'{"locale": 1}', "application/json", (400, "InvalidArgument", "Invalid locale value")),
        (b" " * 20_000, "application/json", (400, "InvalidRequest", "more than 10,000 bytes")),
        (b"{}", "text/plain", (415, "UnsupportedMediaType", "Unsupported media type 'text/plain'")),
    ],
)
def test_a_profile_is_not_made_from_this(verification, content, media_type, expected):
    headers = {"Content-Type": media_type}
    answer = verification.ask("POST", "/profiles", content=content, headers=headers)
    *known, message = error_of(answer)
    assert tuple(known) == expected[:2]
    assert expected[2] in message


@pytest.mark.parametrize(
    ("recording", "media_type", "expected"),
    [
        (b"", "audio/wav", (400, "InvalidRequest", "Invalid audio format")),
        (wav(waveform("ada-1"), 8_000), "audio/wav", (400, "InvalidRequest", "found: 8,000 Hz")),
        (wav(waveform("ada-1")[:8_000]), "audio/wav", (400, "InvalidRequest", "Minimum allowed l")),
        (wav(np.zeros(121 * 16_000)), "audio/wav", (400, "InvalidRequest", "Maximum allowed l")),
        (wav(np.zeros(32_000)), "audio/wav", (400, "InvalidRequest", "nothing but zeros")),
        (bytes(5 * 2**20 + 1), "audio/wav", (400, "InvalidRequest", "more than 5,242,880 bytes")),
        (ADA_AGAIN, "audio/mpeg", (415, "UnsupportedMediaType", "'audio/mpeg'")),
    ],
    ids=["empty", "8 kHz", "short", "long", "zeros", "large", "mp3"],
)
def test_a_recording_that_azure_refused_is_refused(
    enrolled, verification, recording, media_type, expected
):
    options = {"content": recording, "headers": {"Content-Type": media_type}}
    for answer in (
        verification.ask("POST", f"/profiles/{enrolled}/enrollments", **options),
        verification.act(enrolled, "verify", **options),
    ):
        *known, message = error_of(answer)
        assert tuple(known) == expected[:2]
        assert expected[2].removeprefix("found: ") in message


def test_too_much_noise_and_too_little_speech_are_refused(enrolled, verification):
    rng = np.random.default_rng(7)
    speech = np.concatenate([waveform("ada-3"), np.zeros(16_000, np.int16)])
    noisy = np.clip(speech + rng.normal(0, 4_000, len(speech)), -32_768, 32_767).astype(np.int16)
    answer = verification.verify(enrolled, wav(noisy), ignoreMinLength="true")
    assert error_of(answer)[:2] == (400, "InvalidRequest")
    assert error_of(verification.verify(enrolled, SHORT))[2].endswith(
        "s of speech. Minimum allowed speech is 4 seconds."
    )


def test_another_voice_is_not_added_to_a_profile(enrolled, verification):
    status, code, message = error_of(verification.enrol(enrolled, EDSGER))
    assert (status, code) == (400, "InvalidRequest")
    assert "Not the voice that is enrolled already" in message


@pytest.mark.parametrize("profile_id", [str(uuid4()), "no-guid", NOBODY])
def test_an_unknown_profile_is_not_found(verification, profile_id):
    for answer in (
        verification.ask("GET", f"/profiles/{profile_id}"),
        verification.ask("DELETE", f"/profiles/{profile_id}"),
        verification.act(profile_id, "reset"),
        verification.enrol(profile_id, ADA_AGAIN),
        verification.verify(profile_id, ADA_AGAIN),
    ):
        assert error_of(answer)[:2] == (404, "NotFound")


@pytest.mark.parametrize(
    ("ids", "code"),
    [([], 400), ([str(uuid4())] * 51, 400), ([str(uuid4())], 404)],
    ids=["none", "51", "unknown"],
)
def test_candidates_are_one_to_fifty_known_profiles(identification, ids, code):
    assert error_of(identification.identify(ids, ADA_AGAIN))[0] == code


def test_a_candidate_that_is_not_enrolled_is_refused(identification):
    made = identification.create()
    status, code, message = error_of(identification.identify([made], ADA_AGAIN))
    assert (status, code) == (400, "InvalidRequest")
    assert f"Profile {made} is not enrolled" in message


@pytest.mark.parametrize("size", ["0", "501", "-1", "ten", ""])
def test_a_page_has_1_to_500_profiles(verification, size):
    answer = verification.ask("GET", "/profiles", query={verification.version.page_size: size})
    assert error_of(answer)[:2] == (400, "InvalidArgument")


def test_a_token_that_no_page_gave_is_refused(verification):
    answer = verification.ask("GET", "/profiles", query={verification.version.token: "x"})
    assert error_of(answer)[:2] == (400, "InvalidArgument")


def test_a_flag_that_makes_no_sense_is_refused(enrolled, verification):
    answer = verification.verify(enrolled, ADA_AGAIN, ignoreMinLength="maybe")
    assert error_of(answer)[:2] == (400, "InvalidArgument")
    assert "ignoreMinLength" in error_of(answer)[2]


@pytest.mark.parametrize("query", ["", "?api-version=2020-01-01"])
def test_the_version_of_2021_must_be_asked_for(client, query):
    answer = client.get(f"/speaker-recognition/verification/text-independent/profiles{query}")
    assert error_of(answer)[:2] == (400, "InvalidArgument")
