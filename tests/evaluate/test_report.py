import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from voxgate.evaluate import Library, evaluate_packs, find_trials, read_scores
from voxgate.evaluate.evaluation import System, about_all, evaluate
from voxgate.evaluate.pictures import COLOURS, pictures, png, svg
from voxgate.evaluate.report import write_report
from voxgate.evaluate.results import merge
from voxgate.evaluate.voice_map import Point
from voxgate.evaluate.worst import worst


@pytest.fixture(scope="module")
def evaluation(pack, data):
    found = evaluate_packs([pack], find_trials([data]), data)
    points = tuple(Point(i / 9, (i % 3) / 3, i % 4 + 1) for i in range(10))
    system = replace(found.systems[0], points=points)
    return evaluate([system], found.about, found.heard, data=data, resamples=100)


@pytest.fixture(scope="module")
def two_systems(evaluation, data, tmp_path_factory):
    """The pack, and a system that gives every trial the same score, but for the first."""
    lists = find_trials([data])
    lines = [
        f"{a} {b} {int(a == b)}"
        for trials in lists
        for a, b in zip(trials.enrolled, trials.probe, strict=True)
    ]
    path = tmp_path_factory.mktemp("scores") / "flat.txt"
    path.write_text("\n".join(lines))
    flat = System("flat <b>&", tuple(read_scores(path, lists)))
    other = evaluate([flat], about_all(lists, Library(data)), resamples=100)
    return merge([evaluation, other])


class Page(HTMLParser):
    """What a page holds: tags that were left open, addresses, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.addresses, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "path", "use", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_holds_everything_and_needs_no_network(evaluation, data, tmp_path):
    page, *pngs = write_report(evaluation, tmp_path / "report.html")
    text = page.read_text(encoding="utf-8")
    found = Page(text)
    assert found.open == []
    assert "://" not in re.sub(r"http://www.w3.org/[^\"]*", "", text)  # names of SVG's, not links
    assert text.count("<svg") == 6
    assert "tiny@1" in found.words
    links = [a for a in found.addresses if not a.startswith("#")]
    assert links
    assert all((tmp_path / link).resolve().is_relative_to(data) for link in links)
    assert all((tmp_path / link).is_file() for link in links)
    assert {path.name for path in pngs} == {
        "report-det.png", "report-sets.png", "report-scores-1.png", "report-calibration.png",
        "report-speech.png", "report-map-1.png",
    }  # fmt: skip
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pngs)


def test_several_systems_are_compared_the_best_first(two_systems, tmp_path):
    page, *_ = write_report(two_systems, tmp_path / "both.html", title="Both")
    found = Page(page.read_text(encoding="utf-8"))
    words = [word for word in found.words if word.strip()]
    assert words.index("tiny@1") < words.index("flat <b>&")  # and its name is text, not markup
    assert "Both" in words


def test_nobody_is_named_on_an_anonymous_page(evaluation, tmp_path):
    page, *_ = write_report(evaluation, tmp_path / "report.html", anonymous=True)
    text = page.read_text(encoding="utf-8")
    assert "speaker 1, recording 1" in text
    assert not re.search(r"v\d+/|\.flac|<audio", text)


def test_the_worst_trials_are_the_worst(evaluation, tmp_path):
    (found,) = worst(evaluation, tmp_path / "report.html")
    (system,) = evaluation.systems
    highest = max(s.llr[~s.trials.target].max() for s in system.scores)
    lowest = min(s.llr[s.trials.target].min() for s in system.scores)
    assert found.strangers[0].score == pytest.approx(highest)
    assert found.targets[0].score == pytest.approx(lowest)
    assert [m.score for m in found.strangers] == sorted(m.score for m in found.strangers)[::-1]
    people = [
        frozenset(v.name.rsplit("/", 1)[0] for v in (m.enrolled, m.probe))
        for m in (*found.strangers, *found.targets)
    ]
    assert max(map(people.count, people)) == 2
    assert {len(who) for who in people[: len(found.strangers)]} == {2}


def test_recordings_that_are_not_there_have_no_link(evaluation, tmp_path):
    gone = shutil.copytree(evaluation.data, tmp_path / "data")
    moved = evaluate(evaluation.systems, evaluation.about, evaluation.heard, data=gone)
    assert worst(moved, tmp_path / "x.html")[0].targets[0].probe.link.startswith("data/")
    shutil.rmtree(gone)
    assert worst(moved, tmp_path / "x.html")[0].targets[0].probe.link is None


def test_pictures_take_their_colours_from_the_page_in_svg_and_have_them_in_png(two_systems):
    drawn = pictures(two_systems.systems, two_systems.results)
    names = [picture.name for picture in drawn]
    assert names[:4] == ["det", "sets", "scores-1", "scores-2"]
    assert len(names) == len(set(names))
    for picture in drawn:
        text = svg(picture.figure)
        ElementTree.fromstring(text)  # noqa: S314 - it is ours
        assert not re.search("|".join(COLOURS), text)
        assert "var(--" in text
        assert re.search(r"<text[^>]*>", text) or picture.name.startswith("map")
    assert png(drawn[0].figure) == png(drawn[0].figure)
