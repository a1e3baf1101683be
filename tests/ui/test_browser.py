"""The page in a real Chromium, with a microphone that plays synthetic voices."""

import base64
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError

import numpy as np
import pytest
import soundfile
import soxr
import tiny_pack
from encoding import FORMATS, encode
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from ui.browser import NEEDED, find_chromium, launch, serving
from voxgate.verify import Verifier

VOICES = Path(__file__).parents[2] / "examples" / "voices"
TABS = ("Compare", "Enrol", "Verify", "Most similar", "Look at a voice", "Speakers", "Model")
EVIL = "<img src=x onerror=document.title=1>"
CHROMIUM = find_chromium()

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NEEDED)
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def address(folder) -> Iterator[str]:
    options = ("--other-pack", str(tiny_pack.write(folder / "tiny")))
    with serving(folder, Path(__file__).with_name("fragile.py"), options=options) as url:
        yield url


@pytest.fixture(scope="module")
def verifier(folder, address) -> Iterator[Verifier]:
    """The same store, from another process."""
    verifier = Verifier(f"sqlite:///{folder}/voices.db")
    yield verifier
    verifier.store.close()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright, folder) -> Iterator[Browser]:
    """Its microphone hears ada."""
    browser = launch(playwright, CHROMIUM, [VOICES / "ada-1.flac", VOICES / "ada-2.flac"], folder)
    yield browser
    browser.close()


def visit(browser: Browser, address: str, **looks) -> Page:
    """A fresh visitor; `page.foreign` collects what is asked of anybody else, and errors."""
    page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **looks})
    page.foreign = []
    page.on("request", lambda request: note_foreign(page, address, request.url))
    page.on("pageerror", lambda error: page.foreign.append(str(error)))
    page.set_default_timeout(20_000)
    page.goto(address)
    page.get_by_role("button", name="Compare the two").wait_for()
    return page


def note_foreign(page: Page, address: str, url: str) -> None:
    if not url.startswith((address, "data:", "blob:")):
        page.foreign.append(url)


@pytest.fixture(scope="module")
def page(browser, address) -> Iterator[Page]:
    page = visit(browser, address)
    yield page
    page.close()


def give(page: Page, recorder: str, *files: Path) -> None:
    many = page.locator(f"#{recorder} input[webkitdirectory]").count()
    page.locator(f"#{recorder} input[type=file]").first.set_input_files(files)
    if not many:
        expect(page.locator(f"#{recorder} .vg-rec-name")).to_have_text(files[-1].name)
    expect(page.locator(f"#{recorder} .vg-rec-note")).not_to_have_text("Sending…")
    page.wait_for_timeout(150)  # the value is on its way to the page's own state


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def compare(page: Page, a: Path, b: Path) -> str:
    """What the page answers."""
    open_tab(page, "Compare")
    give(page, "compare-a", a)
    give(page, "compare-b", b)
    page.locator("#compare-do").click()
    return answer(page, "compare-answer")


def answer(page: Page, place: str) -> str:
    shown = page.locator(f"#{place} [role=status]")
    expect(shown).not_to_have_text("Listening…")
    expect(shown.locator(".vg-verdict, .vg-note, table").first).to_be_visible()
    return shown.inner_text()


def record(page: Page, recorder: str, seconds: float) -> None:
    mic = page.locator(f"#{recorder} .vg-rec-mic")
    mic.click()
    expect(mic).to_have_text("Stop")
    page.wait_for_timeout(1000 * seconds)
    mic.click()
    expect(mic).to_have_text("Record")


def verify(page: Page, name: str) -> str:
    """Claim a name and speak."""
    open_tab(page, "Verify")
    page.locator("#verify-name input").fill(name)
    page.locator("#verify-name input").press("Enter")
    record(page, "verify-probe", 3.5)
    page.locator("#verify-probe audio").wait_for()
    page.wait_for_timeout(300)
    page.locator("#verify-do").click()
    return answer(page, "verify-answer")


def test_a_voice_is_enrolled_by_microphone_known_again_and_forgotten(
    playwright, page, address, folder, verifier
):
    open_tab(page, "Enrol")
    page.locator("#enrol-name input, #enrol-name textarea").fill("Ada")
    record(page, "enrol-recorder", 5)
    expect(page.locator("#enrol-so-far tbody tr")).to_have_count(1)
    page.locator("#enrol-do").click()
    assert "Ask the person first" in answer(page, "enrol-answer")
    assert verifier.store.speakers() == []
    page.locator("#enrol-consent input").check()
    page.locator("#enrol-do").click()
    expect(page.locator("#enrol-answer")).to_contain_text("Enrolled Ada with 1 of 1 recording")

    assert "Accepted as Ada" in verify(page, "Ada")
    alan = launch(playwright, CHROMIUM, VOICES / "alan-1.flac", folder)
    stranger = visit(alan, address)
    assert "another voice than that of Ada" in verify(stranger, "Ada")
    stranger.get_by_label("Who is it, if anybody?").check()
    stranger.locator("#verify-do").click()
    expect(stranger.locator("#verify-answer")).to_contain_text("None of them")
    alan.close()

    page.get_by_label("Who is it, if anybody?").check()
    page.locator("#verify-do").click()
    expect(page.locator("#verify-answer")).to_contain_text("This is Ada")
    page.get_by_label("Is it the one whose name is claimed?").check()

    open_tab(page, "Speakers")
    expect(page.locator("#speakers-overview")).to_contain_text("Ada")
    expect(page.locator("#speakers-overview")).not_to_contain_text("not recorded")
    page.locator("#speakers-name input").click()
    page.get_by_role("option", name="Ada").click()
    page.locator("#speakers-delete").click()
    assert "Tick that you are sure" in answer(page, "speakers-answer")
    assert [speaker.name for speaker in verifier.store.speakers()] == ["Ada"]
    page.locator("#speakers-sure input").check()
    page.locator("#speakers-delete").click()
    expect(page.locator("#speakers-answer")).to_contain_text("Ada is forgotten for good")
    page.locator("#speakers-add").click()
    expect(page.locator("#enrol-do")).to_be_visible()
    assert verifier.store.speakers() == []
    open_tab(page, "Verify")
    page.locator("#verify-do").click()
    expect(page.locator("#verify-answer")).to_contain_text("No speaker 'Ada' is enrolled")


def test_the_level_the_ring_and_the_answer_move_while_one_speaks(page, verifier):
    verifier.enrol("live", [VOICES / "ada-3.flac"], mode="replace")
    open_tab(page, "Verify")
    page.locator("#verify-probe .vg-rec-remove").click()
    page.locator("#verify-name input").fill("live")
    page.locator("#verify-name input").press("Enter")
    mic = page.locator("#verify-probe .vg-rec-mic")
    mic.click()
    ring = page.locator("#verify-probe .vg-ring")
    expect(page.locator("#verify-answer .vg-verdict")).to_contain_text("as live")
    assert mic.inner_text() == "Stop"
    assert float(ring.get_attribute("aria-valuenow")) > 0.5
    assert float(page.locator("#verify-probe .vg-meter").get_attribute("aria-valuenow")) > -50
    mic.click()
    expect(mic).to_have_text("Record")
    verifier.store.delete("live")


def test_every_format_can_be_uploaded_and_the_most_similar_is_found(page, tmp_path):
    ada = soundfile.read(VOICES / "ada-1.flac", dtype="float32")[0]
    files = [
        encode(np.repeat(ada, 3) if name == "webm" else ada, name, tmp_path / f"ada-{i}",
               rate=48_000 if name == "webm" else 16_000)
        for i, name in enumerate(FORMATS)
    ]  # fmt: skip
    open_tab(page, "Most similar")
    give(page, "similar-probe", VOICES / "ada-2.flac")
    give(page, "similar-references", *files, VOICES / "grace-1.flac")
    expect(page.locator("#similar-count")).to_contain_text(f"{len(files) + 1} recordings")
    page.locator("#similar-do").click()
    rows = page.locator("#similar-answer tbody tr")
    expect(rows).to_have_count(len(files) + 1)
    shown = page.locator("#similar-answer").inner_text()
    assert "Not compared" not in shown
    assert all(file.name in shown for file in files)
    assert "grace-1.flac" in rows.last.inner_text()
    source = rows.first.locator("audio").evaluate("(audio) => audio.src")
    assert page.request.get(source).ok


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("notes.wav", b"Dear diary, today nobody spoke.", "notes.wav"),
        ("empty.wav", b"", "empty.wav"),
        ("silence.wav", None, "silence.wav"),
    ],
)
def test_what_is_no_voice_is_told_in_a_sentence(page, tmp_path, name, content, told):
    path = tmp_path / name
    if content is None:
        soundfile.write(path, np.zeros(32_000), 16_000)
    else:
        path.write_bytes(content)
    shown = compare(page, path, VOICES / "ada-1.flac")
    assert told in shown
    assert "Traceback" not in page.content()
    assert shown.rstrip().endswith(".")


def test_a_bug_is_told_in_a_sentence_and_gives_nothing_away(page, tmp_path):
    boom = tmp_path / "boom.flac"
    boom.write_bytes((VOICES / "ada-1.flac").read_bytes())
    shown = compare(page, boom, VOICES / "ada-2.flac")
    assert "Something unexpected went wrong" in shown
    content = page.content()
    assert "secret" not in content
    assert "RuntimeError" not in content


def test_two_recordings_of_one_voice_are_told_and_drawn(page):
    shown = compare(page, VOICES / "ada-1.flac", VOICES / "ada-2.flac")
    assert "Same voice" in shown
    assert "strangers would score this high" in shown
    pictures = page.locator("#compare-pictures img")
    expect(pictures).to_have_count(2)
    assert "ada-2.flac" in pictures.last.get_attribute("alt")
    link = page.locator("#compare-pictures a").first
    assert link.get_attribute("download") == "ada-1-mel.png"
    data = link.get_attribute("href").removeprefix("data:image/png;base64,")
    assert base64.b64decode(data).startswith(b"\x89PNG")
    assert "another voice" not in shown


def test_a_recording_of_a_telephone_line_is_told_with_what_to_do(page, tmp_path):
    ada = soundfile.read(VOICES / "ada-1.flac", dtype="float32")[0]
    line = tmp_path / "line.wav"
    soundfile.write(line, soxr.resample(ada, 16_000, 8_000), 8_000)
    shown = compare(page, line, VOICES / "ada-2.flac")
    assert "line.wav: There is no sound above" in shown
    assert "Record at 16,000 Hz or more" in shown


def test_recordings_of_two_voices_cannot_be_enrolled_together(page):
    open_tab(page, "Enrol")
    give(page, "enrol-recorder", VOICES / "ada-1.flac", VOICES / "edsger-1.flac")
    expect(page.locator("#enrol-so-far")).to_contain_text("do not sound like one voice")
    page.locator("#enrol-clear").click()
    expect(page.locator("#enrol-so-far")).not_to_contain_text("do not sound")


def test_the_policy_says_what_to_expect_and_the_decision_follows(page):
    compare(page, VOICES / "ada-1.flac", VOICES / "ada-2.flac")
    strict = page.locator("#compare-strict input[type=number]")
    strict.fill("4")
    strict.press("Enter")
    expect(page.locator("#compare-strict-meaning")).to_contain_text("1 stranger in 10,000")
    expect(page.locator("#compare-strict-meaning")).to_contain_text("at least 21 % of tries")
    page.locator("#compare-do").click()
    expect(page.locator("#compare-answer")).to_contain_text("a false-accept rate of 0.01 %")


def test_a_voice_is_drawn_in_five_pictures(page):
    open_tab(page, "Look at a voice")
    give(page, "look-recording", VOICES / "ada-1.flac")
    page.locator("#look-do").click()
    pictures = page.locator("#look-answer img")
    expect(pictures).to_have_count(5)
    names = page.locator("#look-answer a").evaluate_all("(all) => all.map((a) => a.download)")
    kinds = ("waveform", "pitch", "mel", "stft", "mfcc")
    assert names == [f"ada-1-{kind}.png" for kind in kinds]


def test_speakers_are_shown_exported_and_put_on_a_map_and_no_name_becomes_html(page, verifier):
    for name, voice in ((EVIL, "ada"), ("alan", "alan"), ("grace", "grace")):
        verifier.enrol(name, [VOICES / f"{voice}-1.flac"], mode="replace")
    open_tab(page, "Model")
    open_tab(page, "Speakers")
    expect(page.locator("#speakers-map img")).to_be_visible()
    expect(page.locator("#speakers-overview")).to_contain_text(EVIL)
    page.locator("#speakers-name input").click()
    page.get_by_role("option", name=EVIL).click()
    page.locator("#speakers-show").click()
    expect(page.locator("#speakers-answer")).to_contain_text(f"Recordings of {EVIL}")
    page.locator("#speakers-export").click()
    link = page.locator("#speakers-answer a")
    data = link.get_attribute("href").removeprefix("data:application/json;base64,")
    assert json.loads(base64.b64decode(data))["speaker"] == EVIL
    assert page.title() == "Voxgate"
    for name in (EVIL, "alan", "grace"):
        verifier.store.delete(name)


def test_the_model_shows_its_card_and_two_are_compared_on_ones_own_recordings(page):
    open_tab(page, "Model")
    card = page.locator("#model-card")
    expect(card).to_contain_text("Apache-2.0")
    expect(card.locator("img")).to_be_visible()
    assert "ecapa-compact@7" in card.inner_text()
    give(page, "model-recordings", *(VOICES / f"{n}.flac" for n in ("ada-1", "ada-2", "edsger-1")))
    expect(page.locator("#model-count")).to_contain_text("3 recordings")
    page.locator("#model-do").click()
    rows = page.locator("#model-answer tbody tr")
    expect(rows).to_have_count(3)
    heads = page.locator("#model-answer thead th")
    assert heads.all_inner_texts()[1:] == ["ecapa-compact@7", "tiny@1"]
    assert "✓" in rows.first.locator("td").first.inner_text()
    assert "✗" in rows.last.locator("td").first.inner_text()


def test_the_chosen_model_is_the_one_that_listens_on_every_page(page, verifier):
    def choose(name: str) -> None:
        open_tab(page, "Model")
        page.locator("#model-pack input").click()
        page.get_by_role("option", name=name).click()
        expect(page.locator("#model-card")).to_contain_text(f"Card of {name}")

    verifier.enrol("ada", [VOICES / "ada-1.flac"], mode="replace")
    choose("tiny@1")
    open_tab(page, "Verify")
    expect(page.locator("#verify-strict-meaning")).to_contain_text("as measured for tiny@1")
    page.locator("#verify-name input").fill("ada")
    page.locator("#verify-name input").press("Enter")
    give(page, "verify-probe", VOICES / "ada-2.flac")
    expect(page.locator("#verify-answer")).to_contain_text("No speaker 'ada' is enrolled with tiny")
    choose("ecapa-compact@7")
    open_tab(page, "Verify")
    page.locator("#verify-do").click()
    expect(page.locator("#verify-answer")).to_contain_text("Accepted as ada")
    verifier.store.delete("ada")


def test_a_file_that_is_too_big_is_refused_before_it_is_sent(page, tmp_path):
    big = tmp_path / "big.wav"
    with big.open("wb") as file:
        file.truncate(101_000_000)
    open_tab(page, "Compare")
    page.locator("#compare-a input[type=file]").set_input_files(big)
    expect(page.locator("#compare-a .vg-rec-note")).to_contain_text("larger than 100 MB")


def test_a_file_that_is_too_big_is_refused_by_the_server_too(address, folder):
    edge = b"--x\r\nContent-Disposition: form-data; name=files; filename=a.wav\r\n\r\n"
    body = edge + bytes(110_000_000) + b"\r\n--x--\r\n"
    asked = urllib.request.Request(  # noqa: S310 - our own
        f"{address}gradio_api/upload", body, {"Content-Type": "multipart/form-data; boundary=x"}
    )
    with pytest.raises((HTTPError, URLError)) as refused:  # it may hang up before all is sent
        urllib.request.urlopen(asked, timeout=60)  # noqa: S310
    if isinstance(refused.value, HTTPError):
        assert refused.value.code == 413
        refused.value.close()
    assert not [file for file in folder.rglob("*") if file.stat().st_size > 100_000_000]


NAMELESS = """() => [...document.querySelectorAll("button, input, select, textarea, audio, img, a")]
  .filter((one) => one.offsetParent !== null)
  .filter((one) => !(one.getAttribute("aria-label") || one.getAttribute("alt")
    || one.getAttribute("aria-labelledby") || one.labels?.length || one.innerText?.trim()
    || one.title || one.closest(".vg-rec-done") || one.closest("label")))
  .map((one) => one.outerHTML.slice(0, 200))"""


def test_everything_that_can_be_used_has_a_name_and_can_be_reached_by_keyboard(page):
    for tab in TABS:
        open_tab(page, tab)
        page.wait_for_timeout(150)
        assert page.evaluate(NAMELESS) == [], tab
    open_tab(page, "Compare")
    page.locator("#compare-a .vg-rec-mic").focus()
    for _ in range(40):  # the players have many stops
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.id") == "compare-do":
            break
    page.keyboard.press("Enter")
    assert "voice" in answer(page, "compare-answer")


def test_it_fits_a_phone_and_follows_the_dark(browser, address):
    phone = visit(browser, address, viewport={"width": 390, "height": 844}, color_scheme="dark")
    for tab in TABS:
        open_tab(phone, tab)
        phone.wait_for_timeout(150)
        width = phone.evaluate("() => document.documentElement.scrollWidth")
        assert width <= 390, (tab, width)
    compare(phone, VOICES / "ada-1.flac", VOICES / "grace-1.flac")
    expect(phone.locator("#compare-pictures img")).to_have_count(2)
    assert phone.evaluate("() => document.documentElement.scrollWidth") <= 390
    ink, paper = phone.evaluate(
        """() => [getComputedStyle(document.querySelector("#compare-answer strong")).color,
                 getComputedStyle(document.body).backgroundColor]
                 .map((c) => c.match(/\\d+/g).slice(0, 3).reduce((sum, x) => sum + +x, 0))"""
    )
    assert ink > 600
    assert paper < 150
    assert phone.foreign == []
    phone.close()


def test_nothing_was_asked_of_any_other_host_and_no_script_failed(page, folder):
    assert page.foreign == []
    said = (folder / "log.txt").read_text()
    assert "Voxgate: http://127.0.0.1" in said
    assert "FOREIGN" not in said


def test_uploads_lie_where_only_this_user_can_read_and_the_page_says_what_becomes_of_them(
    page, folder
):
    (uploads,) = folder.glob("voxgate-ui-*")
    assert uploads.stat().st_mode & 0o077 == 0
    assert any(uploads.rglob("ada-1.flac"))
    expect(page.locator(".vg-privacy")).to_contain_text("Nothing you record or upload goes")
