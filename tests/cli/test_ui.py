"""The command that serves the page: where it listens, and who is let in."""

import socket
import urllib.request
from urllib.error import HTTPError

import pytest
from ui.browser import serving

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what the warning is about


def test_other_machines_are_not_let_in_without_a_password_or_a_word(voxgate):
    refused = voxgate("ui", "--host", EVERYWHERE)
    assert refused.exit_code == 2
    assert "ask for a password with --auth" in " ".join(refused.stderr.split())


@pytest.mark.parametrize("auth", ["ada", ":secret", "ada:", ""])
def test_a_password_needs_a_name_and_a_colon(voxgate, auth):
    refused = voxgate("ui", "--auth", auth)
    assert refused.exit_code == 2
    assert "--auth" in refused.stderr


def test_a_pack_that_is_not_there_is_told_before_anything_is_served(voxgate):
    refused = voxgate("ui", "--other-pack", "nothing")
    assert refused.exit_code == 2
    assert "'nothing'" in refused.stderr


def test_with_a_password_nobody_is_let_in_without(tmp_path):
    with serving(tmp_path, options=("--host", EVERYWHERE, "--auth", "ada:s3cret")) as address:
        for path in ("config", "gradio_api/info", "gradio_api/upload_progress?upload_id=x"):
            with pytest.raises(HTTPError) as refused:
                urllib.request.urlopen(address + path, timeout=10)  # noqa: S310 - our own
            assert refused.value.code == 401
            refused.value.close()
    said = " ".join((tmp_path / "log.txt").read_text().split())
    assert said.count("Other machines can reach this page on 0.0.0.0") == 1
    assert not list(tmp_path.glob("voxgate-ui-*"))  # the uploads' folder is gone


def test_a_port_that_is_taken_is_told_in_a_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(RuntimeError, match=f"Cannot listen on 127.0.0.1, port {port}"),
            serving(tmp_path, port=port),
        ):
            pass
