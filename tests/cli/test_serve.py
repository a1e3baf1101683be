"""The command that serves: what it prints, and what it refuses."""

import pytest

from voxgate.server.settings import reference

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is refused


def test_it_prints_all_settings(voxgate):
    done = voxgate("serve", "--settings")
    assert (done.exit_code, done.stdout) == (0, reference())


def test_other_machines_are_not_let_in_without_keys(voxgate):
    refused = voxgate("serve", "--host", EVERYWHERE)
    assert refused.exit_code == 2
    assert "open to other machines" in " ".join(refused.stderr.split())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1", "VOXGATE_PROT"),
        ('tls_key = "a"', "give both"),
        ('tls_key = "a"\ntls_certificate = "b"', "TLS cannot be spoken"),
    ],
)
def test_settings_that_make_no_sense_are_told_in_a_sentence(voxgate, tmp_path, text, message):
    file = tmp_path / "voxgate.toml"
    file.write_text(text)
    refused = voxgate("serve", "--config", str(file), "--port", "1")
    assert refused.exit_code == 2
    assert message in " ".join(refused.stderr.split())
