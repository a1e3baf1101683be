"""Mounts the page in a service with keys, asks it, and prints what it says as JSON.

A process of its own, since Gradio leaves event loops open behind it.
"""

import json
import sys
from pathlib import Path

import tiny_pack
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient

from voxgate.packs import load_pack
from voxgate.ui.app import create_page, mount
from voxgate.verify import Verifier


def key(request: Request) -> str:
    if request.headers.get("x-key") != "right":
        raise HTTPException(401)
    return "ada"


if __name__ == "__main__":
    pack = load_pack(tiny_pack.write(Path(sys.argv[1]) / "tiny"))
    page = create_page(Verifier("memory:", pack=pack))
    with TestClient(mount(FastAPI(), page, "/ui", auth_dependency=key)) as client:
        right = client.get("/ui/", headers={"x-key": "right"})
        found = {
            "refused": [client.get(f"/ui/{path}").status_code for path in ("", "config")],
            "served": right.status_code,
            "is_the_page": "Voxgate" in right.text,
            "visibilities": sorted({one.api_visibility for one in page.fns.values()}),
        }
    print(json.dumps(found))  # noqa: T201 - what it is for
