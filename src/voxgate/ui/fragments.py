"""Pieces of HTML that the pages are made of. Whatever comes from outside is escaped."""

import base64
import html
from collections.abc import Iterable, Sequence

from voxgate.decision import Decision, Identification, Side
from voxgate.quality import Quality, QualityWarning
from voxgate.ui import strings

NOTHING = "–"  # noqa: RUF001 - where a table has no figure
_GAUGE_LLR = (-10.0, 15.0)  # what the gauge spans


def text(words: object) -> str:
    """Words as HTML text or as the value of an attribute."""
    return html.escape(str(words), quote=True)


def note(sentence: str, kind: str = "plain") -> str:
    """A sentence about what happened: kind is plain, good or bad."""
    return f'<p class="vg-note vg-{text(kind)}">{text(sentence)}</p>' if sentence else ""


def verdict(sentence: str, *, accepted: bool | None) -> str:
    """An answer, bold up to its colon; None is no answer."""
    answer, colon, grounds = sentence.partition(":")
    kind, mark = {True: ("good", "✓"), False: ("bad", "✗"), None: ("unsure", "?")}[accepted]
    grounds = f"<p>{text(grounds.strip())}</p>" if colon else ""
    return (
        f'<div class="vg-verdict vg-{kind}"><span class="vg-mark" aria-hidden="true">{mark}</span>'
        f"<div><strong>{text(answer)}</strong>{grounds}</div></div>"
    )


def decision(found: Decision) -> str:
    """A decision: answer, gauge, doubts, figures."""
    decided = found.llr is not None and found.threshold is not None
    answer = verdict(found.sentence(), accepted=found.accepted if decided else None)
    if found.llr is not None and found.threshold is not None:
        answer += gauge(found.llr, found.threshold)
    return answer + warnings(found.warnings) + sides([found.enrolled, found.probe])


def identification(found: Identification) -> str:
    """Who it is, if anybody: answer, gauge of the best, ranking, doubts."""
    answer = verdict(found.sentence(), accepted=found.accepted if found.probe.enough else None)
    if not found.candidates:
        return answer + warnings(found.warnings)
    best = found.candidates[0]
    rows = [
        (
            ("✓ " if candidate.accepted else "") + candidate.speaker,
            f"{candidate.llr:.1f}",
            f"{candidate.threshold:.1f}",
            f"{candidate.cosine:.2f}",
            seconds(candidate.speech_s),
        )
        for candidate in found.candidates
    ]
    headers = (
        strings.HEAD_SPEAKER, strings.HEAD_LLR, strings.HEAD_THRESHOLD, strings.HEAD_COSINE,
        strings.HEAD_ENROLLED,
    )  # fmt: skip
    ranking = table(strings.RANKING, headers, rows)
    return answer + gauge(best.llr, best.threshold) + ranking + warnings(found.warnings)


def gauge(llr: float, threshold: float) -> str:
    """Where an LLR lies between two voices and one, with the threshold."""
    low, high = _GAUGE_LLR
    at, limit = (100 * (min(max(x, low), high) - low) / (high - low) for x in (llr, threshold))
    answer = strings.GAUGE_ABOVE if llr >= threshold else strings.GAUGE_BELOW
    label = strings.GAUGE.format(llr=f"{llr:.1f}", threshold=f"{threshold:.1f}", answer=answer)
    return (
        f'<div class="vg-gauge" role="img" aria-label="{text(label)}">'
        f'<div class="vg-needle" style="--at:{at:.1f}%"><b>{strings.LLR} {llr:.1f}</b></div>'
        f'<div class="vg-track" style="--limit:{limit:.1f}%"></div>'
        f'<div class="vg-limit" style="--at:{limit:.1f}%">{strings.THRESHOLD} {threshold:.1f}</div>'
        f'<div class="vg-ends"><span>← {strings.TWO_VOICES}</span>'
        f"<span>{strings.ONE_VOICE} →</span></div></div>"
    )


def warnings(found: Iterable[QualityWarning]) -> str:
    """Doubts, each with what to do about it."""
    items = "".join(f"<li>{text(warning.message)}</li>" for warning in found)
    if not items:
        return ""
    return f'<div class="vg-warnings"><strong>{strings.WARNINGS}</strong><ul>{items}</ul></div>'


def sides(found: Sequence[Side]) -> str:
    """How much speech each side had, and what it sounded like."""
    headers = (
        strings.HEAD_RECORDING, strings.HEAD_SPEECH, strings.HEAD_LENGTH, strings.HEAD_SNR,
        strings.HEAD_LEVEL, strings.HEAD_BANDWIDTH,
    )  # fmt: skip
    return table(strings.DETAILS, headers, [(_name(side), *_figures(side)) for side in found])


def _name(side: Side) -> str:
    if side.quality or not side.enough:
        return side.name
    return strings.ENROLLED_SIDE.format(name=side.name, recordings=recordings(side.recordings))


def _figures(side: Side) -> tuple[str, ...]:
    if side.quality is None:
        return (seconds(side.speech_s), *[NOTHING] * 4)
    return (seconds(side.speech_s), *qualities(side.quality))


def qualities(quality: Quality) -> tuple[str, str, str, str]:
    """Length, SNR, level and bandwidth of a recording."""
    return (
        seconds(quality.duration_s),
        NOTHING if quality.snr_db is None else f"{quality.snr_db:.0f} dB",
        NOTHING if quality.level_dbfs is None else f"{quality.level_dbfs:.0f} dBFS",
        NOTHING if quality.bandwidth_hz is None else f"{quality.bandwidth_hz / 1000:.1f} kHz",
    )


def table(caption: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of text, the first column naming the rows."""
    return table_of_html(caption, headers, [[text(cell) for cell in row] for row in rows])


def table_of_html(caption: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The same with cells that are HTML already."""
    head = "".join(f'<th scope="col">{text(header)}</th>' for header in headers)
    body = "".join(
        f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div class="vg-table" tabindex="0" role="group" aria-label="{text(caption)}"><table>'
        f"<caption><span>{text(caption)}</span></caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def facts(caption: str, rows: Iterable[tuple[str, str]]) -> str:
    """Names and values, a line each."""
    items = "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in rows)
    return f'<h3 class="vg-heading">{text(caption)}</h3><dl class="vg-facts">{items}</dl>'


def picture(png: bytes, *, alt: str, caption: str, file_name: str) -> str:
    """A picture that can be saved; it is part of the page, so nothing of it lies on a disk."""
    data = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return (
        f'<figure class="vg-picture"><figcaption><span>{text(caption)}</span>'
        f'<a download="{text(file_name)}" href="{data}">{strings.SAVE_PNG}</a></figcaption>'
        f'<div class="vg-scroll" tabindex="0" role="group" aria-label="{text(caption)}">'
        f'<img src="{data}" alt="{text(alt)}"></div></figure>'
    )


def gallery(pictures: Iterable[str]) -> str:
    """Pictures side by side, where there is room."""
    return f'<div class="vg-gallery">{"".join(pictures)}</div>'


def seconds(duration_s: float) -> str:
    """Such as "8.2 s"."""
    return f"{duration_s:.1f} s"


def percent(rate: float) -> str:
    """Such as "0.3 %" or "12 %": two figures at most."""
    return f"{float(f'{100 * rate:.2g}'):g} %"


def recordings(number: int) -> str:
    """Such as "1 recording"."""
    if number == 1:
        return strings.RECORDINGS_ONE
    return strings.RECORDINGS_MANY.format(count=f"{number:,}")
