"""What a log may hold."""

import io
import json
import logging
import warnings

import pytest

from voxgate.server import logs

PRIVATE = "vg_live_0123456789"


@pytest.fixture
def written():
    """What was written so far, as text; afterwards logging is as it was."""
    loggers = [logging.getLogger(name) for name in ("", *logs.OURS, *logs.QUIET, "uvicorn.error")]
    before = [(each, each.handlers[:], each.level, each.propagate) for each in loggers]
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    yield stream.getvalue
    logging.captureWarnings(False)
    for each, handlers, level, propagate in before:
        each.handlers[:] = handlers
        each.setLevel(level)
        each.propagate = propagate


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_record_is_one_line_of_json_with_its_facts(written):
    logging.getLogger("voxgate.requests").info("request\nx", extra={"status": 200, "domain": "é"})
    (line,) = lines(written())
    assert line["at"].endswith("+00:00")
    del line["at"]
    assert line == {
        "level": "info",
        "logger": "voxgate.requests",
        "message": "request\nx",
        "status": 200,
        "domain": "é",
    }


def test_a_fact_of_another_name_is_left_out(written):
    logging.getLogger("voxgate.x").info("it", extra={"speaker": PRIVATE, "body": PRIVATE})
    assert "it" in written()
    assert PRIVATE not in written()


def test_an_exception_leaves_its_kind_and_place_but_not_its_message(written):
    try:
        raise ValueError(PRIVATE)
    except ValueError:
        logging.getLogger("voxgate.x").exception("it failed")
    (line,) = lines(written())
    assert line["error"] == "ValueError"
    assert "test_logs.py" in line["where"][-1]
    assert "test_an_exception" in line["where"][-1]
    assert PRIVATE not in written()


def test_the_values_in_messages_of_other_libraries_are_left_out(written):
    logging.getLogger("sqlalchemy.engine").warning("parameters %r", {"name": PRIVATE})
    (line,) = lines(written())
    assert line["message"] == "parameters %r"


def test_other_libraries_are_not_heard_below_a_warning(written):
    logging.getLogger("multipart").info("callback with data[0:10]")
    assert written() == ""


def test_access_logs_of_uvicorn_are_off(written):
    logging.getLogger("uvicorn.access").critical('"GET /v1/speakers/%s" 200', "ada")
    assert written() == ""


def test_a_warning_of_python_goes_to_the_log(written):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("it is old", DeprecationWarning, stacklevel=1)
    (line,) = lines(written())
    assert line["logger"] == "py.warnings"


def test_text_has_the_same_facts(written):
    stream = io.StringIO()
    logs.configure("info", "text", stream)
    logging.getLogger("voxgate.requests").info("request", extra={"status": 200, "reason": "a b"})
    assert 'info request logger="voxgate.requests" status=200 reason="a b"' in stream.getvalue()


def test_the_level_holds_for_ours(written):
    logs.configure("error", "json", stream := io.StringIO())
    logging.getLogger("voxgate.x").warning("unheard")
    logging.getLogger("voxgate.x").error("heard")
    assert [line["message"] for line in lines(stream.getvalue())] == ["heard"]
