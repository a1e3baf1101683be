"""The page about who is enrolled."""

import base64
import json
from typing import Any

import gradio as gr
import numpy as np

from voxgate import drawings
from voxgate.consent import find_consent
from voxgate.errors import UsageError
from voxgate.plane import to_plane
from voxgate.store import Sample, SpeakerSummary, Store
from voxgate.ui import fragments, strings
from voxgate.ui.desk import Desk
from voxgate.ui.edge import QUIET, drawing, guarded, status

_LEAST_ON_MAP = 3


def build(desk: Desk, chosen: gr.State, tab: gr.Tab, tabs: gr.Tabs) -> None:
    """Lay the page out and wire it; it is read whenever the tab is opened."""
    gr.HTML(f'<p class="vg-intro">{strings.SPEAKERS_INTRO}</p>')
    overview = status("speakers-overview")
    with gr.Row():
        name = gr.Dropdown([], label=strings.SPEAKERS_CHOOSE, value=None, elem_id="speakers-name")
        sure = gr.Checkbox(label=strings.SPEAKERS_SURE, elem_id="speakers-sure")
    with gr.Row():
        show = gr.Button(strings.SPEAKERS_SHOW, elem_id="speakers-show")
        export = gr.Button(strings.SPEAKERS_EXPORT, elem_id="speakers-export")
        delete = gr.Button(strings.SPEAKERS_DELETE, variant="stop", elem_id="speakers-delete")
        add = gr.Button(strings.SPEAKERS_ADD, variant="primary", elem_id="speakers-add")
    answer = status("speakers-answer")
    map_ = drawing("speakers-map")

    def store(pack: str) -> Store:
        return desk.verifier(pack).store

    def refreshed(pack: str, marked: str | None = None) -> dict[Any, Any]:
        names = desk.everybody()
        kept = marked if marked in names else None
        return {
            overview: _overview(store(pack)),
            name: gr.Dropdown(choices=names, value=kept),
            map_: _map(desk, pack, marked),
            sure: False,
        }

    def opened(pack: str) -> dict[Any, Any]:
        return {**refreshed(pack), answer: ""}

    def shown(pack: str, who: str | None) -> dict[Any, Any]:
        who = _required(who)
        samples = _samples(who, store(pack).samples(who))
        return {answer: samples, map_: _map(desk, pack, who)}

    def exported(pack: str, who: str | None) -> dict[Any, Any]:
        who = _required(who)
        return {answer: _document(who, store(pack))}

    def deleted(pack: str, who: str | None, certain: bool) -> dict[Any, Any]:
        who = _required(who)
        if not certain:
            raise UsageError(strings.SPEAKERS_NOT_SURE)
        store(pack).delete(who)
        told = fragments.note(strings.SPEAKERS_DELETED.format(name=who), "good")
        return {**refreshed(pack), answer: told}

    everything = [overview, name, map_, sure, answer]
    tab.select(guarded(opened, answer), [chosen], everything, **QUIET)
    show.click(guarded(shown, answer), [chosen, name], [answer, map_], **QUIET)
    export.click(guarded(exported, answer), [chosen, name], [answer], **QUIET)
    delete.click(guarded(deleted, answer), [chosen, name, sure], everything, **QUIET)
    add.click(lambda: gr.Tabs(selected="enrol"), [], [tabs], **QUIET)


def _required(who: str | None) -> str:
    if not who:
        raise UsageError(strings.SPEAKERS_NO_CHOICE)
    return who


def _overview(store: Store) -> str:
    speakers = store.speakers()
    if not speakers:
        return fragments.note(strings.SPEAKERS_NONE)
    headers = (
        strings.HEAD_SPEAKER, strings.HEAD_RECORDINGS, strings.HEAD_SPEECH, strings.HEAD_SINCE,
        strings.HEAD_CONSENT, strings.HEAD_PACKS,
    )  # fmt: skip
    rows = [_summary(store, speaker) for speaker in speakers]
    return fragments.table(strings.SPEAKERS_TABLE, headers, rows)


def _summary(store: Store, speaker: SpeakerSummary) -> tuple[str, ...]:
    consent = find_consent(store, speaker.name)
    return (
        speaker.name,
        f"{speaker.recordings:,}",
        fragments.seconds(speaker.speech_s),
        f"{speaker.created_at:%Y-%m-%d}",
        f"{consent.at:%Y-%m-%d %H:%M} UTC" if consent else strings.NO_CONSENT,
        ", ".join(speaker.packs),
    )


def _samples(who: str, samples: list[Sample]) -> str:
    headers = (
        strings.HEAD_RECORDING, strings.HEAD_SPEECH, strings.HEAD_SNR, strings.HEAD_BANDWIDTH,
        strings.HEAD_ADDED, strings.HEAD_WARNINGS,
    )  # fmt: skip
    rows = [_sample(sample) for sample in samples]
    return fragments.table(strings.SPEAKERS_SAMPLES.format(name=who), headers, rows)


def _sample(sample: Sample) -> tuple[str, ...]:
    quality = sample.quality  # JSON, as Quality.to_dict wrote it
    snr_db, bandwidth_hz = quality.get("snr_db"), quality.get("bandwidth_hz")
    doubts = [warning["code"].replace("_", " ") for warning in quality.get("warnings", [])]
    return (
        sample.name,
        fragments.seconds(sample.speech_s),
        fragments.NOTHING if snr_db is None else f"{snr_db:.0f} dB",
        fragments.NOTHING if bandwidth_hz is None else f"{bandwidth_hz / 1000:.1f} kHz",
        f"{sample.added_at:%Y-%m-%d %H:%M} UTC",
        ", ".join(doubts) or fragments.NOTHING,
    )


def _document(who: str, store: Store) -> str:
    """A link that saves the export; it is part of the page, so nothing of it lies on a disk."""
    content = json.dumps(store.export(who), indent=2).encode()
    data = f"data:application/json;base64,{base64.b64encode(content).decode()}"
    file_name = f"{who}.json"
    link = fragments.text(strings.SPEAKERS_SAVE.format(file=file_name))
    told = fragments.note(strings.SPEAKERS_EXPORTED.format(name=who), "good")
    return (
        f'{told}<a class="vg-save" download="{fragments.text(file_name)}" href="{data}">{link}</a>'
    )


def _map(desk: Desk, pack: str, marked: str | None) -> str:
    verifier = desk.verifier(pack)
    voices = verifier.store.voiceprints(verifier.pack.id)
    if len(voices) < _LEAST_ON_MAP:
        return fragments.note(strings.SPEAKERS_MAP_FEW)
    names = [voice.speaker for voice in voices]
    vectors = np.stack([voice.vector for voice in voices])
    figure = drawings.draw_map(names, to_plane(vectors), marked=marked)
    return fragments.picture(
        drawings.png(figure),
        alt=strings.SPEAKERS_MAP_ALT.format(names=", ".join(names)),
        caption=strings.SPEAKERS_MAP,
        file_name="voices.png",
    ) + fragments.note(strings.SPEAKERS_MAP_NOTE.format(dim=vectors.shape[1]))
