"""The page, put together: made by `create_page`, on its own by `serve`, in a service by `mount`."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import gradio as gr

from voxgate.packs import Pack
from voxgate.ui import compare, enrol, look, model, similar, speakers, strings, verify
from voxgate.ui.desk import Desk
from voxgate.ui.recorder import MAX_MEGABYTES
from voxgate.verify import Verifier

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

_KEEP_S, _LOOK_EVERY_S = 3600, 300  # uploads: how long they lie, and how often that is seen to
_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")  # none is fetched
_MONO = ("ui-monospace", "Consolas", "monospace")


def create_page(verifier: Verifier, *, packs: Sequence[Pack] = ()) -> gr.Blocks:
    """The whole page.

    Args:
        verifier: what everything goes through; its pack is the one in use at first.
        packs: others that a visitor may choose.
    """
    desk = Desk(verifier, packs)
    page: gr.Blocks = gr.Blocks(
        title=strings.TITLE, analytics_enabled=False, delete_cache=(_LOOK_EVERY_S, _KEEP_S)
    )
    with page:
        chosen = gr.State(verifier.pack.label)
        gr.HTML(
            f'<header class="vg-header"><h1>{strings.TITLE}</h1><p>{strings.TAGLINE}</p></header>'
        )
        with gr.Tabs(elem_id="pages", overflow_behavior="wrap") as tabs:
            with gr.Tab(strings.COMPARE, id="compare"):
                compare.build(desk, chosen)
            with gr.Tab(strings.ENROL, id="enrol"):
                enrol.build(desk, chosen)
            with gr.Tab(strings.VERIFY, id="verify") as tab:
                verify.build(desk, chosen, tab)
            with gr.Tab(strings.SIMILAR, id="similar"):
                similar.build(desk, chosen)
            with gr.Tab(strings.LOOK, id="look"):
                look.build(desk)
            with gr.Tab(strings.SPEAKERS, id="speakers") as tab:
                speakers.build(desk, chosen, tab, tabs)
            with gr.Tab(strings.MODEL, id="model") as tab:
                model.build(desk, chosen, tab)
        gr.HTML(f'<footer class="vg-privacy">{strings.PRIVACY}</footer>')
    page.queue(default_concurrency_limit=4)
    return page


def mount(
    app: "FastAPI",
    page: gr.Blocks,
    path: str = "/ui",
    *,
    auth_dependency: "Callable[[Request], str | None] | None" = None,
) -> "FastAPI":
    """Put the page into a service; `auth_dependency` names who asks, or refuses them."""
    gr.mount_gradio_app(
        app, page, path, auth_dependency=auth_dependency, show_error=False, **_looks()
    )
    return app


@contextmanager
def serve(
    verifier: Verifier,
    *,
    packs: Sequence[Pack] = (),
    host: str = "127.0.0.1",
    port: int = 7860,
    auth: tuple[str, str] | None = None,
) -> Iterator[str]:
    """Serve the page on its own; gives its address.

    What is uploaded lies in a folder that only this user can read, and that is gone at the end.

    Raises:
        OSError: the port is taken.
    """
    with TemporaryDirectory(prefix="voxgate-ui-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(Path(folder).resolve())
        page = create_page(verifier, packs=packs)
        try:
            _, address, _ = page.launch(
                server_name=host, server_port=port, auth=auth, share=False, quiet=True,
                prevent_thread_lock=True, show_error=False, enable_monitoring=False, **_looks(),
            )  # fmt: skip
            yield address
        finally:
            page.close(verbose=False)
            del os.environ["GRADIO_TEMP_DIR"]


def _looks() -> dict[str, Any]:
    """What both ways to serve it have in common."""
    teal, slate = gr.themes.colors.teal, gr.themes.colors.slate
    theme = gr.themes.Base(
        primary_hue=teal, secondary_hue=teal, neutral_hue=slate, font=_FONTS, font_mono=_MONO
    ).set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        block_info_text_color="*neutral_500",
        block_radius="12px",
        button_large_radius="10px",
    )
    style = Path(__file__).with_name("style.css").read_text("utf-8")
    return {
        "theme": theme,
        "head": f"<style>{style}</style>",  # Gradio's own way for CSS rewrites the selectors
        "footer_links": [],
        "max_file_size": f"{MAX_MEGABYTES}mb",
        "ssr_mode": False,
        "mcp_server": False,
        "pwa": False,
        "run_history": False,
    }
