"""What callers of v1 can do, by a real client against a real server."""

import pytest
from sounds import wav

SPEAKERS = "/v1/speakers"


def files(*recordings):
    return [("recording", (f"{n}.wav", each)) for n, each in enumerate(recordings)]


@pytest.fixture(scope="module")
def ada(admin):
    """A speaker with two recordings."""
    made = admin.post(SPEAKERS, json={"speaker": "ada", "metadata": {"account": 1}})
    assert (made.status_code, made.json()["status"]) == (201, "pending")
    answer = admin.post(f"{SPEAKERS}/ada/enrolments", files=files(wav(1), wav(1, take=1)))
    assert (answer.status_code, answer.json()["recordings"]) == (201, 2)
    return "ada"


def test_two_recordings_are_compared(admin):
    same = admin.post("/v1/compare", files=files(wav(12), wav(12, 4.0, take=9))).json()
    other = admin.post("/v1/compare", files=files(wav(12), wav(4))).json()
    assert (same["outcome"], other["outcome"]) == ("accept", "reject")
    assert len(same["id"]) == 32
    assert same["enrolled"]["name"] == "0.wav"


def test_status_says_how_much_speech_is_still_wanted(admin, ada):
    found = admin.get(f"{SPEAKERS}/ada").json()
    assert (found["status"], found["metadata"]) == ("enrolled", {"account": 1})
    assert found["speech_wanted_s"] == pytest.approx(20 - found["speech_s"])


def test_a_claim_is_verified_under_the_policy_asked_for(admin, ada):
    answer = admin.post(f"{SPEAKERS}/ada/verify?far=0.05", content=wav(1, 4.0, take=9))
    found = answer.json()
    assert (answer.status_code, found["outcome"], found["policy"]["far"]) == (200, "accept", 0.05)
    assert (found["risk"]["level"], found["risk"]["reasons"]) == ("low", [])
    stranger = admin.post(f"{SPEAKERS}/ada/verify", content=wav(4)).json()
    assert (stranger["outcome"], stranger["accepted"]) == ("reject", False)


def test_a_decision_is_found_in_the_audit_log_by_its_id(admin, ada):
    decided = admin.post(f"{SPEAKERS}/ada/verify", content=wav(1, 4.0, take=9)).json()
    newest = admin.get("/v1/audit", params={"speaker": "ada", "limit": 1}).json()["entries"][0]
    assert newest["action"] == "verify"
    assert newest["detail"]["decision"] == decided["id"]
    assert newest["detail"]["outcome"] == "accept"
    assert newest["speaker"] != "ada"


def test_whoever_cannot_be_compared_is_an_outcome_and_no_error(admin, ada):
    unknown = admin.post(f"{SPEAKERS}/nobody/verify", content=wav(1)).json()
    assert (unknown["outcome"], unknown["risk"]) == ("speaker_not_enrolled", None)
    short = admin.post(f"{SPEAKERS}/ada/verify", content=wav(1, 0.2)).json()
    assert (short["outcome"], short["risk"]["level"]) == ("not_enough_speech", "not_enough_speech")


def test_a_recording_that_is_too_noisy_is_not_compared(service, admin, ada, monkeypatch):
    monkeypatch.setattr("voxgate.server.judging.Judge._too_noisy", lambda *_: True)
    found = admin.post(f"{SPEAKERS}/ada/verify", content=wav(1)).json()
    assert (found["outcome"], found["llr"]) == ("low_quality", None)
    found = admin.post("/v1/identify", content=wav(1)).json()
    assert (found["outcome"], found["best"], found["candidates"]) == ("low_quality", None, [])


def test_a_speaker_is_described_anew(admin):
    admin.post(SPEAKERS, json={"speaker": "ivy"})
    assert admin.patch(f"{SPEAKERS}/ivy", json={"metadata": {"a": [1]}}).status_code == 200
    assert admin.get(f"{SPEAKERS}/ivy").json()["metadata"] == {"a": [1]}
    assert admin.delete(f"{SPEAKERS}/ivy").status_code == 204
    assert admin.get(f"{SPEAKERS}/ivy").status_code == 404


def test_speakers_are_listed_page_by_page(admin, ada):
    for name in ("p1", "p2", "p3"):
        admin.post(SPEAKERS, json={"speaker": name})
    first = admin.get(SPEAKERS, params={"limit": 2}).json()
    names, cursor = [one["speaker"] for one in first["speakers"]], first["next"]
    while cursor:
        page = admin.get(SPEAKERS, params={"limit": 2, "after": cursor}).json()
        assert len(page["speakers"]) <= 2
        names += [one["speaker"] for one in page["speakers"]]
        cursor = page["next"]
    assert names == sorted(set(names))
    assert {"ada", "p1", "p2", "p3"} <= set(names)
    assert admin.get(SPEAKERS, params={"after": "§"}).status_code == 422


def test_recordings_are_listed_and_removed_one_by_one_or_all(admin):
    path = f"{SPEAKERS}/rose/enrolments"
    admin.post(path, files=files(wav(5), wav(5, take=1)))
    there = admin.get(path).json()["enrolments"]
    assert [one["name"] for one in there] == ["0.wav", "1.wav"]
    assert admin.delete(f"{path}/{there[0]['id']}").status_code == 204
    assert [one["id"] for one in admin.get(path).json()["enrolments"]] == [there[1]["id"]]
    assert admin.delete(f"{path}/{there[0]['id']}").status_code == 404
    assert admin.delete(path).status_code == 204
    assert admin.get(f"{SPEAKERS}/rose").json()["status"] == "pending"


def test_what_is_unfit_is_left_out_of_an_enrolment_and_named(admin):
    answer = admin.post(f"{SPEAKERS}/una/enrolments", files=files(wav(6), wav(6, 0.2), b"noise"))
    given = answer.json()["contributions"]
    assert [one["outcome"] for one in given] == ["used", "too_little_speech", "unreadable"]
    assert given[1]["message"].startswith("1.wav: found")
    nothing = admin.post(f"{SPEAKERS}/una2/enrolments", content=wav(6, 0.2))
    assert nothing.status_code == 422
    assert nothing.json()["type"] == "urn:voxgate:enrolment"


def test_opting_out_forgets_and_refuses_also_before_enrolment(admin):
    admin.post(f"{SPEAKERS}/olga/enrolments", content=wav(7))
    for name in ("olga", "never-seen"):
        assert admin.put(f"{SPEAKERS}/{name}/opt-out").status_code == 204
        assert admin.get(f"{SPEAKERS}/{name}").json()["status"] == "opted_out"
        refused = admin.post(f"{SPEAKERS}/{name}/enrolments", content=wav(7))
        assert (refused.status_code, refused.json()["type"]) == (
            409, "urn:voxgate:speaker-opted-out",
        )  # fmt: skip
        claim = admin.post(f"{SPEAKERS}/{name}/verify", content=wav(7)).json()
        assert claim["outcome"] == "speaker_opted_out"
    assert admin.delete(f"{SPEAKERS}/olga/opt-out").status_code == 204
    assert admin.get(f"{SPEAKERS}/olga").status_code == 404


def test_a_voice_is_identified_among_all_a_group_or_some(admin, ada):
    probe = wav(1, 4.0, take=9)
    admin.post(f"{SPEAKERS}/bea/enrolments", content=wav(8))
    admin.put("/v1/groups/staff")
    admin.put("/v1/groups/staff/members/bea")
    found = admin.post("/v1/identify", params={"top": 1}, content=probe).json()
    assert (found["outcome"], found["best"], len(found["candidates"])) == ("accept", "ada", 1)
    among = admin.post("/v1/identify", params={"speaker": ["ada", "bea"]}, content=probe).json()
    assert (among["best"], among["searched"]) == ("ada", 2)
    group = admin.post("/v1/identify", params={"group": "staff"}, content=probe).json()
    assert (group["outcome"], group["best"], group["searched"]) == ("reject", None, 1)
    assert admin.post("/v1/identify?group=none", content=probe).status_code == 404


def test_groups_come_and_go_and_their_members_stay(admin, ada):
    assert admin.put("/v1/groups/callers").json()["size"] == 0
    assert admin.put("/v1/groups/callers/members/ada").status_code == 204
    assert admin.get("/v1/groups/callers/members").json() == {"names": ["ada"]}
    listed = admin.get(SPEAKERS, params={"group": "callers"}).json()["speakers"]
    assert [one["speaker"] for one in listed] == ["ada"]
    assert admin.delete("/v1/groups/callers/members/ada").status_code == 204
    assert admin.delete("/v1/groups/callers").status_code == 204
    assert "callers" not in [one["name"] for one in admin.get("/v1/groups").json()["groups"]]
    assert admin.get(f"{SPEAKERS}/ada").status_code == 200


def test_a_fraudster_is_noticed_during_verify_and_never_identified(admin, ada):
    admin.put("/v1/watchlists/bad")
    register = "/v1/watchlists/bad/fraudsters/mallory"
    assert admin.post(register, content=wav(9, 3.0, take=2)).status_code == 201
    risk = admin.post(f"{SPEAKERS}/ada/verify", content=wav(9, 4.0, take=9)).json()["risk"]
    assert (risk["level"], risk["reasons"]) == ("high", ["known_fraudster"])
    assert (risk["fraudster"], risk["watchlists"]) == ("mallory", ["bad"])
    assert admin.post("/v1/identify", content=wav(9, 4.0, take=9)).json()["best"] is None
    assert admin.get("/v1/watchlists/bad/fraudsters").json() == {"names": ["mallory"]}
    assert admin.delete(register).status_code == 204
    risk = admin.post(f"{SPEAKERS}/ada/verify", content=wav(9, 4.0, take=9)).json()["risk"]
    assert (risk["level"], risk["fraudster"]) == ("low", None)
    assert admin.delete("/v1/watchlists/bad").status_code == 204
    assert admin.get("/v1/watchlists").json() == {"groups": []}


def test_a_person_is_exported_forgotten_and_imported(admin):
    admin.post(f"{SPEAKERS}/eve/enrolments", content=wav(10, 3.0))
    document = admin.get(f"{SPEAKERS}/eve/export").json()
    assert admin.post("/v1/import", json=document).status_code == 409
    admin.delete(f"{SPEAKERS}/eve")
    assert admin.post("/v1/import", json=document).json()["status"] == "enrolled"
    claim = admin.post(f"{SPEAKERS}/eve/verify", content=wav(10, 3.0, take=2))
    assert claim.json()["outcome"] == "accept"
    assert admin.post("/v1/import", json={"format": "mine"}).status_code == 422


def test_domains_know_nothing_of_each_other(service, admin, ada):
    assert admin.put("/v1/domains/acme").status_code == 204
    assert admin.get("/v1/domains").json()["names"] == ["acme", "default"]
    with service.client(service.key("admin", domain="acme")) as tenant:
        assert tenant.get(f"{SPEAKERS}/ada").status_code == 404
        assert tenant.post(f"{SPEAKERS}/ada/enrolments", content=wav(4)).status_code == 201
        assert tenant.get("/v1/domains").status_code == 403
        assert tenant.post("/v1/identify", content=wav(1, 4.0, take=9)).json()["searched"] == 1
        assert admin.delete("/v1/domains/acme").status_code == 204
        assert tenant.get(f"{SPEAKERS}/ada").status_code == 401
    assert admin.get(f"{SPEAKERS}/ada").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("POST", f"{SPEAKERS}/ada/verify", {"content": b"no sound"}, 415),
        ("POST", f"{SPEAKERS}/ada/verify", {"content": b""}, 422),
        ("POST", f"{SPEAKERS}/ada/verify", {"files": files(b"1", b"2")}, 422),
        ("POST", f"{SPEAKERS}/ada/verify?far=2", {"content": b"x"}, 422),
        ("POST", "/v1/compare", {"content": b"x"}, 422),
        ("POST", SPEAKERS, {"json": {"speaker": "a/b"}}, 422),
        ("POST", SPEAKERS, {"json": {"speaker": "x", "more": 1}}, 422),
        ("POST", SPEAKERS, {"json": {"speaker": "ada"}}, 409),
        ("POST", SPEAKERS, {"content": b'{"speaker": "x", "metadata": {"a": NaN}}',
                            "headers": {"Content-Type": "application/json"}}, 422),
        ("GET", f"{SPEAKERS}/nobody/export", {}, 404),
        ("PUT", "/v1/groups/none/members/ada", {}, 404),
        ("DELETE", "/v1/domains/none", {}, 404),
        ("DELETE", "/v1/domains/default", {}, 422),
        ("POST", "/v1/keys", {"json": {"scopes": ["root"]}}, 422),
        ("POST", "/v1/keys", {"json": {"scopes": ["verify"], "domain": "none"}}, 404),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("ada")
def test_what_makes_no_sense_is_a_problem(admin, method, path, sent, status):
    answer = admin.request(method, path, **sent)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
