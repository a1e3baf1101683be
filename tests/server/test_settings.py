"""The settings of the service."""

from pathlib import Path

import pytest

from voxgate.errors import UsageError
from voxgate.server.settings import read_settings, reference

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in ("VOXGATE_STORE", "VOXGATE_PACK", "VOXGATE_PORT"):
        monkeypatch.delenv(name, raising=False)


def test_what_is_given_goes_before_variables_and_these_before_the_file(tmp_path, monkeypatch):
    file = tmp_path / "voxgate.toml"
    file.write_text('port = 1\nhost = "::1"\nears = 3\n')
    monkeypatch.setenv("VOXGATE_PORT", "2")
    monkeypatch.setenv("VOXGATE_HOST", "127.0.0.2")
    settings = read_settings(file, port=3)
    assert (settings.port, settings.host, settings.ears) == (3, "127.0.0.2", 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1", "VOXGATE_PROT: .*--settings"),
        ("port = 70000", "VOXGATE_PORT: .*65535"),
        ("port = ", "is not TOML"),
        ('tls_key_password = {a = "s3cret"}', "VOXGATE_TLS_KEY_PASSWORD: "),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_and_its_value_is_not(tmp_path, text, message):
    file = tmp_path / "voxgate.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=message) as error:
        read_settings(file)
    assert "s3cret" not in str(error.value)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="There is no settings file"):
        read_settings(tmp_path / "none.toml")


def test_tls_wants_both_files():
    with pytest.raises(UsageError, match="give both"):
        _ = read_settings(tls_key="key.pem").serving


def test_a_password_is_not_shown():
    given = "s3cret"
    settings = read_settings(tls_certificate="a.pem", tls_key="b.pem", tls_key_password=given)
    assert given not in repr(settings)
    assert settings.serving.tls.key_password == given


def test_workers_are_the_cores_shared_among_the_processes(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert read_settings().workers == 8
    assert read_settings(processes=3).workers == 2
    assert read_settings(processes=16).workers == 1
    assert read_settings(processes=3, ears=5).workers == 5


def test_six_recordings_may_wait_for_each_worker_unless_told_otherwise():
    assert read_settings(ears=2).waiting == 12
    assert read_settings(ears=3, queue=0).waiting == 0


def test_the_reference_in_the_documentation_is_that_of_the_code():
    _, _, written = OPERATIONS.read_text(encoding="utf-8").partition("prints this table.\n\n")
    assert written == reference()
