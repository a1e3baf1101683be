"""The service's own description of itself: no request that fits it, or nearly, brings a 500."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error

API = Path(__file__).parents[2] / "docs" / "api.md"
EXAMPLES = 3  # of requests to each route
METHODS = {"get", "put", "post", "patch", "delete"}


@pytest.fixture(scope="module")
def description(service):
    with service.client() as client:
        return client.get("/openapi.json").json()


def test_no_request_brings_a_server_error(service, admin):
    key = {"Authorization": admin.headers["Authorization"]}
    schema = schemathesis.openapi.from_url(f"{service.url}/openapi.json", headers=key)
    asked = 0

    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case):
            nonlocal asked
            asked += 1
            fresh = {**key, "Idempotency-Key": uuid4().hex}  # else it is often that of another
            case.call_and_validate(headers=fresh, checks=[not_a_server_error], timeout=30)

        ask()
    assert asked > EXAMPLES * 20


def operations(description):
    return [
        (method.upper(), path, found)
        for path, item in description["paths"].items()
        for method, found in item.items()
        if method in METHODS
    ]


def test_every_route_of_v1_says_what_it_does_and_shows_an_example(description):
    shown = description["components"]["schemas"]
    for method, path, found in operations(description):
        if not path.startswith("/v1/"):
            continue
        assert found["summary"], path
        assert found["description"], path
        assert "401" in found["responses"], f"{method} {path}"
    for name in ("NewSpeaker", "Speaker", "Enrolled", "Verification", "Risk", "NewKey", "Problem"):
        assert shown[name].get("examples"), name


def test_every_route_is_in_the_documentation_with_a_curl_line(description):
    page = API.read_text(encoding="utf-8")
    told = set(re.findall(r"^### (GET|PUT|POST|PATCH|DELETE) (/\S+)$", page, re.MULTILINE))
    there = {
        (method, path)
        for method, path, _ in operations(description)
        if path.startswith("/v1/") or path.count("/") == 1
    }
    assert told == there
    for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        assert "curl " in section, section.splitlines()[0]
