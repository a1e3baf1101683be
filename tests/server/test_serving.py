"""A service process, for real: how it ends, TLS, and its log."""

import shutil
import signal
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest
from certificates import Authority
from started import started

from voxgate.errors import UsageError
from voxgate.server.serving import Tls, bind


def when(condition):
    """Wait until it holds."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def in_flight(client):
    return "voxgate_requests_in_flight 1.0" in client.get("/metrics").text


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


def test_sigterm_lets_requests_finish_and_refuses_new_ones():
    with (
        started("--notice", "1.5") as service,
        service.client() as client,
        service.client() as kept_alive,
        ThreadPoolExecutor() as pool,
    ):
        assert kept_alive.get("/pid").text == str(service.process.pid)
        answer = pool.submit(client.get, "/slow/ada?s=1.0")
        when(lambda: in_flight(kept_alive))
        service.signal(signal.SIGTERM)
        when(lambda: kept_alive.get("/readyz").status_code == 503)
        refused = kept_alive.get("/pid")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert service.get("/pid").status_code == 503  # a new connection, too
        assert answer.result().text == "done"
        assert service.process.wait(20) == 0
        with pytest.raises(httpx.ConnectError):
            service.get("/pid")
    messages = [line["message"] for line in service.messages]
    assert "draining" in messages
    assert "ada" not in service.text


def test_what_takes_longer_than_the_longest_drain_is_cut_off():
    with (
        started("--longest", "0.5") as service,
        service.client() as client,
        ThreadPoolExecutor() as pool,
    ):
        answer = pool.submit(client.get, "/slow/x?s=30")
        with service.client() as other:
            when(lambda: in_flight(other))
        begun = time.monotonic()
        assert service.terminate() == 1
        assert time.monotonic() - begun < 10
        assert answer.exception() or answer.result().status_code == 500
        assert service.log_text().count("ended with requests unanswered") == 1


def test_tls_is_spoken_with_a_certificate_that_can_be_renewed(authority, tmp_path):
    first, second = authority.sign("first"), authority.sign("second")
    shown = tmp_path / "shown.pem", tmp_path / "shown.key"
    for source, target in zip(first, shown, strict=True):
        shutil.copy(source, target)
    trusted = authority.trusted()
    with started("--tls", *map(str, shown), tls=trusted) as service:
        with service.client(verify=trusted) as client:
            assert client.get("/pid").status_code == 200
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            service.get("/pid")  # it believes the usual authorities only
        with pytest.raises(httpx.TransportError):
            httpx.get(service.url.replace("https", "http") + "/pid", trust_env=False)
        assert who_is(service, trusted) == "first"
        for source, target in zip(second, shown, strict=True):
            shutil.copy(source, target)
        service.signal(signal.SIGHUP)
        when(lambda: who_is(service, trusted) == "second")


def who_is(service, trusted):
    """The name in the certificate that the service shows."""
    with service.client(verify=trusted) as client, client.stream("GET", "/pid") as answer:
        found = answer.extensions["network_stream"].get_extra_info("ssl_object").getpeercert()
    return dict(pair for part in found["subject"] for pair in part)["commonName"]


def test_clients_must_show_a_certificate_where_that_is_asked(authority):
    shown = [str(path) for path in authority.sign("server")]
    trusted = authority.trusted(authority.sign("client"))
    words = "--tls", *shown, "--client-ca", str(authority.path)
    with started(*words, tls=trusted) as service:
        with service.client(verify=trusted) as client:
            assert client.get("/pid").status_code == 200
        with pytest.raises((httpx.TransportError, ssl.SSLError)):
            service.get("/pid", verify=authority.trusted())


def test_files_that_tls_cannot_be_spoken_with_are_refused_at_once(authority, tmp_path):
    certificate, _ = authority.sign("one")
    _, key = authority.sign("other")
    for files in ((tmp_path / "none.pem", key), (certificate, key), (key, key)):
        with pytest.raises(UsageError, match=r"TLS cannot be spoken with .*give a certificate"):
            Tls(*files).check()
    Tls(*authority.sign("both"), client_ca=authority.path).check()


def test_an_address_that_is_taken_is_refused_with_a_remedy():
    with closing(bind("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"127.0.0.1:{port}.*another --port"):
            bind("127.0.0.1", port)
