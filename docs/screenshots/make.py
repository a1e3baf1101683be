"""Make the pictures of the page that the documentation shows.

    python docs/screenshots/make.py            # needs the extra "dev", and Chromium

A page with a store of its own is served, filled with the synthetic voices of `examples/voices`
(spoken by espeak-ng, by nobody), and every page of it photographed at two widths.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from ui.browser import find_chromium, launch, serving  # noqa: E402 - from tests/

HERE = Path(__file__).parent
VOICES = ROOT / "examples" / "voices"
WIDTHS = (1280, 390)
COLOURS = 256  # in a picture: small, and hard to tell from all


def main() -> None:
    """Run it from the command line."""
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("Chromium is needed: apt-get install chromium")
    with TemporaryDirectory() as folder, serving(Path(folder)) as address, sync_playwright() as p:
        browser = launch(p, chromium, VOICES / "ada-3.flac", Path(folder))
        for width in WIDTHS:
            with visiting(browser, address, width) as page:
                photograph_all(page, width, first=width == WIDTHS[0])
        with visiting(browser, address, WIDTHS[0], color_scheme="dark") as page:
            compare(page)
            photograph(page, f"compare-dark-{WIDTHS[0]}")
        browser.close()


@contextmanager
def visiting(browser, address: str, width: int, **looks) -> Iterator[Page]:
    """A fresh visitor with a window of this width."""
    context = browser.new_context(
        viewport={"width": width, "height": 844}, permissions=["microphone"], **looks
    )
    page = context.new_page()
    page.goto(address)
    page.get_by_role("button", name="Compare the two").wait_for()
    yield page
    context.close()


def photograph_all(page: Page, width: int, *, first: bool) -> None:
    """Each page once, in the state that shows most of it."""
    compare(page)
    photograph(page, f"compare-{width}")
    for speaker in ("ada", "alan", "edsger", "grace") if first else ():
        enrol(page, speaker)
    enrol_by_microphone(page)
    photograph(page, f"enrol-{width}")
    page.locator("#enrol-recorder .vg-rec-mic").click()
    verify(page)
    photograph(page, f"verify-{width}")
    identify(page)
    photograph(page, f"identify-{width}")
    similar(page)
    photograph(page, f"similar-{width}")
    look(page)
    photograph(page, f"look-{width}")
    speakers(page)
    photograph(page, f"speakers-{width}")
    model(page)
    photograph(page, f"model-{width}")


def give(page: Page, recorder: str, *names: str) -> None:
    """Upload some of the voices."""
    files = [VOICES / f"{name}.flac" for name in names]
    page.locator(f"#{recorder} input[type=file]").first.set_input_files(files)


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def press(page: Page, button: str, answer: str) -> None:
    page.locator(f"#{button}").click()
    page.locator(f"#{answer} .vg-verdict, #{answer} table, #{answer} figure").first.wait_for()


def compare(page: Page) -> None:
    give(page, "compare-a", "ada-1")
    give(page, "compare-b", "ada-2")
    page.locator("#compare-b audio").wait_for()
    page.wait_for_timeout(500)
    press(page, "compare-do", "compare-answer")
    page.locator("#compare-pictures img").nth(1).wait_for()


def enrol(page: Page, speaker: str) -> None:
    open_tab(page, "Enrol")
    page.locator("#enrol-name input, #enrol-name textarea").fill(speaker)
    give(page, "enrol-recorder", f"{speaker}-1", f"{speaker}-2")
    page.locator("#enrol-so-far table").wait_for()
    page.locator("#enrol-consent input").check()
    press(page, "enrol-do", "enrol-answer")
    page.locator("#enrol-so-far table").wait_for(state="detached")


def enrol_by_microphone(page: Page) -> None:
    open_tab(page, "Enrol")
    page.locator("#enrol-name input, #enrol-name textarea").fill("Ada")
    give(page, "enrol-recorder", "ada-1", "ada-2")
    page.locator("#enrol-so-far table").wait_for()
    page.locator("#enrol-recorder .vg-rec-mic").click()
    page.wait_for_timeout(4500)


def verify(page: Page) -> None:
    open_tab(page, "Verify")
    page.locator("#verify-name input").fill("ada")
    page.locator("#verify-name input").press("Enter")
    give(page, "verify-probe", "ada-3")
    page.locator("#verify-answer .vg-verdict").wait_for()


def identify(page: Page) -> None:
    page.get_by_label("Who is it, if anybody?").check()
    page.locator("#verify-do").click()
    page.locator("#verify-answer table").wait_for()


def similar(page: Page) -> None:
    open_tab(page, "Most similar")
    give(page, "similar-probe", "grace-1")
    give(page, "similar-references", "ada-1", "alan-1", "edsger-1", "grace-2", "grace-3")
    page.locator("#similar-count .vg-note").wait_for()
    page.wait_for_timeout(500)
    press(page, "similar-do", "similar-answer")


def look(page: Page) -> None:
    open_tab(page, "Look at a voice")
    give(page, "look-recording", "ada-1")
    page.locator("#look-recording audio").wait_for()
    page.wait_for_timeout(500)
    press(page, "look-do", "look-answer")


def speakers(page: Page) -> None:
    open_tab(page, "Speakers")
    page.locator("#speakers-map img").wait_for()
    page.locator("#speakers-name input").click()
    page.get_by_role("option", name="ada").click()
    press(page, "speakers-show", "speakers-answer")


def model(page: Page) -> None:
    open_tab(page, "Model")
    page.locator("#model-card img").wait_for()
    give(page, "model-recordings", "ada-1", "ada-2", "grace-1")
    page.locator("#model-count .vg-note").wait_for()
    page.wait_for_timeout(500)
    press(page, "model-do", "model-answer")


def photograph(page: Page, name: str) -> None:
    """The whole page, from its top, in few colours."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(600)  # what moves has arrived
    image = Image.open(BytesIO(page.screenshot(full_page=True)))
    small = image.convert("RGB").quantize(
        COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    path = HERE / f"{name}.png"
    small.save(path, optimize=True)
    print(f"{path.name}: {image.width} x {image.height}, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
