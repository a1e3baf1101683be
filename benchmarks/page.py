"""How long until the page in the browser can be used.

    python benchmarks/page.py            # needs the extra "dev", and Chromium

Two times: from the start of `voxgate ui` until it answers (a fresh process, its files in the page
cache), and from the navigation of a fresh browser context (nothing cached) until the button of the
first page can be pressed. Medians.
"""

import argparse
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from limits import Figure, conclude
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from ui.browser import NEEDED, find_chromium, launch, serving  # noqa: E402 - from tests/

VOICE = ROOT / "examples" / "voices" / "ada-1.flac"
OPEN_LIMIT_S = 3.0


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit(NEEDED)
    starts: list[float] = []
    opens: list[float] = []
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = launch(playwright, chromium, VOICE, Path(folder))
        for _ in range(rounds + 1):
            began = time.perf_counter()
            with serving(Path(folder)) as address:
                starts.append(time.perf_counter() - began)
                opens.append(open_s(browser, address))
        browser.close()
    print(f"Fresh processes and browser contexts, median of {rounds}, after one not counted")
    conclude(
        [
            Figure("voxgate ui, until it answers", median(starts[1:]), "s"),
            Figure("page, until it can be used", median(opens[1:]), "s", limit=OPEN_LIMIT_S),
        ]
    )


def open_s(browser: Browser, address: str) -> float:
    """Seconds from the navigation until the button of the first page can be pressed."""
    context = browser.new_context()
    page = context.new_page()
    began = time.perf_counter()
    page.goto(address)
    page.locator("#compare-do").click(trial=True)
    took_s = time.perf_counter() - began
    context.close()
    return took_s


if __name__ == "__main__":
    main()
