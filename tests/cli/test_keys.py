"""API keys by the command."""

import json
import re


def test_a_key_is_printed_once_and_listed_without_its_secret(voxgate):
    made = voxgate("keys", "new", "--scope", "verify", "--scope", "enrol", "--label", "desk")
    assert made.exit_code == 0, made.stderr
    key = made.stdout.strip()
    assert re.fullmatch(r"vg_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", key)
    listed = voxgate("keys", "list")
    assert "enrol, verify" in listed.stdout
    assert key[16:] not in listed.stdout
    facts = json.loads(voxgate("keys", "list", "--json").stdout)["keys"]
    assert [(one["id"], one["label"]) for one in facts] == [(key[3:15], "desk")]


def test_a_key_is_rotated_and_the_old_one_revoked(voxgate):
    old = json.loads(voxgate("keys", "new", "--scope", "admin", "--days", "3", "--json").stdout)
    new = json.loads(voxgate("keys", "rotate", old["id"], "--json").stdout)
    assert (new["scopes"], new["expires_at"]) == (old["scopes"], old["expires_at"])
    assert new["key"] != old["key"]
    assert voxgate("keys", "revoke", old["id"]).exit_code == 0
    facts = json.loads(voxgate("keys", "list", "--json").stdout)["keys"]
    revoked = {one["id"]: one["revoked_at"] is not None for one in facts}
    assert revoked == {old["id"]: True, new["id"]: False}


def test_a_key_for_nothing_or_nobody_is_refused(voxgate):
    for words in (
        ("new",),
        ("new", "--scope", "root"),
        ("new", "--scope", "verify", "--domain", "none"),
        ("revoke", "none"),
        ("rotate", "none"),
    ):
        refused = voxgate("keys", *words)
        assert refused.exit_code == 2, words
        assert refused.stderr
