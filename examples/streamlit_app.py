"""Enrol, verify, identify and look at voices in Streamlit, over the library alone.

    pip install 'voxgate[plot]' streamlit
    streamlit run examples/streamlit_app.py

The store is the one of the command, or VOXGATE_STORE; the page is for you, not for the internet.
"""

import streamlit as st

from voxgate import Verifier, VoxgateError, drawings, plots


@st.cache_resource
def verifier() -> Verifier:
    """One for all visitors: threads may share it."""
    return Verifier()


def recording(label: str) -> bytes | None:
    """What was uploaded or spoken."""
    file = st.file_uploader(label) or st.audio_input(f"{label}, by microphone")
    return file.getvalue() if file else None


def enrol() -> None:
    """Remember a voice."""
    name = st.text_input("Name")
    sound = recording("Recording to enrol")
    agreed = st.checkbox("The speaker has agreed that a voiceprint is stored")
    if st.button("Enrol", disabled=not (name and sound and agreed)):
        done = verifier().enrol(name, [sound], consent="A voiceprint may be stored.")
        st.success(done.sentence())


def verify() -> None:
    """Is it the voice it claims to be?"""
    name = st.selectbox("Claimed name", [speaker.name for speaker in verifier().store.speakers()])
    sound = recording("Recording to verify")
    if st.button("Verify", disabled=not (name and sound)):
        decision = verifier().verify(name, sound)
        (st.success if decision.accepted else st.error)(decision.sentence())
        for warning in decision.warnings:
            st.warning(warning.message)


def identify() -> None:
    """Whose voice is it, if anybody's?"""
    sound = recording("Recording to identify")
    if st.button("Identify", disabled=not sound):
        found = verifier().identify(sound)
        (st.success if found.accepted else st.error)(found.sentence())
        st.table({one.speaker: {"LLR": f"{one.llr:.1f}"} for one in found.candidates})


def look() -> None:
    """The MFCC of a recording as a picture."""
    sound = recording("Recording to look at")
    if st.button("Draw", disabled=not sound):
        st.image(drawings.png(plots.draw(plots.spectrogram(sound, "mfcc"))))


st.title("Voxgate")
for tab, page in zip(
    st.tabs(["Enrol", "Verify", "Identify", "Look"]), (enrol, verify, identify, look), strict=True
):
    with tab:
        try:
            page()
        except VoxgateError as error:  # one plain sentence
            st.error(str(error))
