"""The outermost edge of the page: whatever goes wrong becomes a sentence in it.

Every handler of a page gives a dict from component to value, and is wrapped by `guarded`.
"""

import functools
import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from voxgate.errors import VoxgateError
from voxgate.ui import fragments, strings

_log = logging.getLogger(__name__)

Handler = Callable[..., dict[Any, Any]]

# Of every event: no door for programs (they have the command and the service), no overlay.
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def status(elem_id: str) -> gr.HTML:
    """A place for answers and errors, read out by screen readers when it changes."""
    return gr.HTML(
        value="",
        html_template='<div role="status" aria-live="polite">${value}</div>',
        js_on_load=None,
        elem_id=elem_id,
        elem_classes="vg-answer",
        apply_default_css=False,
    )


def drawing(elem_id: str) -> gr.HTML:
    """A place for pictures."""
    return gr.HTML("", elem_id=elem_id, elem_classes="vg-drawn", apply_default_css=False)


def guarded(handler: Handler, told: gr.HTML, clears: Sequence[gr.HTML] = ()) -> Handler:
    """The handler, with its errors told in `told`, and `clears` emptied of what was there."""

    @functools.wraps(handler)
    def run(*words: Any) -> dict[Any, Any]:
        try:
            return handler(*words)
        except VoxgateError as error:
            sentence = str(error)
        except Exception:  # noqa: BLE001 - the outermost edge
            _log.exception("The page failed.")
            sentence = strings.UNEXPECTED
        return {**dict.fromkeys(clears, ""), told: fragments.note(sentence, "bad")}

    return run


def press(
    button: gr.Button,
    handler: Handler,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    clears: Sequence[gr.HTML] = (),
) -> None:
    """Let a button run a handler; the first of the outputs tells what comes of it."""
    told = outputs[0]
    working = json.dumps(fragments.note(strings.WORKING))
    at_once = button.click(None, [], [told], js=f"() => {working}", **QUIET)
    at_once.then(guarded(handler, told, clears), list(inputs), list(outputs), **QUIET)
