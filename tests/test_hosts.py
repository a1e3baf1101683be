"""Addresses to listen at."""

import pytest

from voxgate.hosts import is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.10"])
def test_only_this_machine_reaches_a_loopback_address(host):
    assert is_loopback(host)


EVERYWHERE = "0.0.0.0"  # noqa: S104 - what the warning is about


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "", "192.168.1.5", "voices.example.org"])
def test_others_reach_any_other(host):
    assert not is_loopback(host)
