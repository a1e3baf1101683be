import json
import sqlite3
from contextlib import closing

import pytest

from voxgate.store import open_store


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path}/voices.db"
    with closing(open_store(url)) as store:
        store.add_speaker("ada")
        store.audit("verify", "ada", {"outcome": "accept"})
        store.add_domain("acme")
        store.within("acme").add_speaker("bob")
    return url


def test_log_lists_the_newest_first_and_names_nobody(voxgate, url):
    result = voxgate("audit", "log", "--store", url)
    assert result.exit_code == 0
    actions = [line.split()[2] for line in result.stdout.splitlines()[1:]]
    assert actions == ["add_domain", "verify", "add"]
    assert "ada" not in result.stdout
    assert '{"outcome": "accept"}' in result.stdout
    newest = voxgate("audit", "log", "--store", url, "-n", "1").stdout
    assert "add_domain" in newest
    assert "verify" not in newest


def test_log_can_be_asked_about_a_speaker_and_a_domain(voxgate, url):
    found = json.loads(voxgate("audit", "log", "--speaker", "ada", "--store", url, "--json").stdout)
    assert [entry["action"] for entry in found["entries"]] == ["verify", "add"]
    assert found["entries"][0]["detail"] == {"outcome": "accept"}
    in_acme = voxgate("audit", "log", "--domain", "acme", "--store", url, "--json")
    assert [entry["action"] for entry in json.loads(in_acme.stdout)["entries"]] == ["add"]
    nobody = voxgate("audit", "log", "--speaker", "eve", "--store", url)
    assert (nobody.exit_code, nobody.stdout) == (0, "")
    assert "Nothing of that kind" in nobody.stderr
    nowhere = voxgate("audit", "log", "--domain", "nowhere", "--store", url)
    assert (nowhere.exit_code, nowhere.stdout) == (2, "")
    assert "no domain 'nowhere'" in nowhere.stderr


def test_verify_tells_a_whole_log_with_its_head_and_a_broken_one(voxgate, url):
    whole = voxgate("audit", "verify", "--store", url)
    assert whole.exit_code == 0
    assert whole.stdout == "✓ The audit log is whole: 4 entries\n"
    facts = json.loads(voxgate("audit", "verify", "--store", url, "--json").stdout)
    assert (facts["intact"], facts["count"], facts["broken_at"]) == (True, 4, None)
    assert facts["head"] in "".join(whole.stderr.split())
    noted = voxgate("audit", "verify", "--store", url, "--noted", facts["head"])
    assert noted.exit_code == 0
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("DROP TRIGGER audit_log_no_delete")
        connection.execute("DELETE FROM audit_log WHERE number = 2")
    broken = voxgate("audit", "verify", "--store", url)
    assert broken.exit_code == 2
    assert broken.stdout == "✗ The audit log is broken: entry 2; there are 3\n"
    assert (
        json.loads(voxgate("audit", "verify", "--store", url, "--json").stdout)["intact"] is False
    )
