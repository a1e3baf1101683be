"""Every text of the page, in one place, so that it can be translated.

`{...}` are filled in by the pages. The sentences of decisions, warnings and errors come from
below the page and are not here.
"""

TITLE = "Voxgate"
TAGLINE = "Is this the voice it claims to be, and how sure can we be?"
PRIVACY = (
    "Nothing you record or upload goes anywhere but to the Voxgate that serves this page. "
    "Recordings are deleted within the hour and when it stops; only the voiceprints that you "
    "enrol are kept, encrypted."
)
UNEXPECTED = "Something unexpected went wrong; the log of the server says more."
WORKING = "Listening…"
MISSING_RECORDING = "Record or upload a recording first: {what}."
NOT_RECEIVED = "That recording is not here any more; record or upload it again."

# Recording
RECORD = "Record"
STOP = "Stop"
CHOOSE_FILE = "Choose a file"
CHOOSE_FILES = "Choose files"
CHOOSE_FOLDER = "Choose a folder"
DROP_HERE = "or drop it here: any audio or video"
DROP_HERE_MANY = "or drop them here: any audio or video"
REMOVE = "Remove"
RECORDED = "microphone"
SPEECH_SO_FAR = "speech so far"
OF_SECONDS = "of {wanted} s"
LEVEL = "Level of the microphone"
TOO_LOUD = "Too loud: move back a little"
TOO_QUIET = "Speak up, or come closer"
LEVEL_GOOD = "Good level"
READ_ALOUD = "Read aloud, at your own pace"
ENOUGH = "That is enough; stop when you like"
UPLOADING = "Sending…"
CANNOT_PLAY = "This browser cannot play the format; Voxgate reads it all the same."
TOO_BIG = "{name} is larger than {megabytes} MB, the most that is taken here."
NOT_SENT = "The recording could not be sent; is the server still running?"
NO_MICROPHONE = "No microphone can be used: plug one in, or allow this page to use it."
NO_SECURE_PAGE = (
    "Browsers lend the microphone only to pages over https, or on this computer itself. "
    "Upload a file instead."
)

# Policy
STRICTNESS = "How strict"
STRICTNESS_INFO = "2 lets in at most 1 stranger in 100, 3 at most 1 in 1,000, 4 at most 1 in 10,000"
EXPECT = (
    "At most <b>1 stranger in {strangers}</b> is accepted. Expect the right voice to be refused "
    "in <b>{misses}</b> of tries, with {enrolled} of speech against {probe}, as measured for "
    "{pack}."
)
EXPECT_EXTRAPOLATED = "This rate lies beyond what was measured, so it is a careful guess."
EXPECT_SEARCH = "In a search among many, the rate is that of the whole search."
AT_LEAST = "at least {rate}"
ABOUT = "about {rate}"

# Answers
LLR = "LLR"
THRESHOLD = "threshold"
TWO_VOICES = "two voices"
ONE_VOICE = "one voice"
GAUGE = "LLR {llr}, threshold {threshold}: {answer}"
GAUGE_ABOVE = "above the threshold"
GAUGE_BELOW = "below the threshold"
WARNINGS = "What makes this less sure"
DETAILS = "The recordings in figures"
HEAD_RECORDING = "recording"
HEAD_SPEECH = "speech"
HEAD_LENGTH = "length"
HEAD_SNR = "SNR"
HEAD_LEVEL = "level"
HEAD_BANDWIDTH = "bandwidth"
ENROLLED_SIDE = "{name} (enrolled, {recordings})"
RECORDINGS_ONE = "1 recording"
RECORDINGS_MANY = "{count} recordings"
SAVE_PNG = "Save as PNG"

# Compare
COMPARE = "Compare"
COMPARE_INTRO = "Are two recordings of one voice? Nothing is stored."
COMPARE_A = "First recording"
COMPARE_B = "Second recording"
COMPARE_DO = "Compare the two"

# Enrol
ENROL = "Enrol"
ENROL_INTRO = (
    "Remember a voice under a name. Read the sentences one after another until the ring is full; "
    "two or three recordings from different days and places are better than one."
)
ENROL_NAME = "Name"
ENROL_NAME_INFO = "Unique in this store"
ENROL_RECORDINGS = "Recordings of this voice"
ENROL_MODE = "If the name is taken"
ENROL_MODE_NEW = "say so"
ENROL_MODE_ADD = "add to the voice"
ENROL_MODE_REPLACE = "start afresh"
ENROL_CONSENT = (
    "The person whose voice this is has agreed that a voiceprint of it is stored here, and knows "
    "that it can be deleted at any time."
)
ENROL_CONSENT_INFO = "Recorded with the time, in the audit log"
ENROL_DO = "Enrol this voice"
ENROL_CLEAR = "Remove the recordings"
ENROL_NO_CONSENT = "Ask the person first, then tick that they have agreed; nothing was stored."
ENROL_SO_FAR = "Recordings so far"
ENROL_TOTAL = "{speech} of speech so far; {wanted} or more makes decisions surer."
ENROL_NOT_YET = "Not to be enrolled like this: {reason}"
HEAD_AGREEMENT = "agreement"
HEAD_SHARE = "share"
HEAD_VERDICT = "what became of it"
CONTRIBUTION_OUTCOMES = {
    "used": "good",
    "too_little_speech": "too little speech",
    "other_voice": "another voice",
    "duplicate": "a copy",
    "unreadable": "not readable",
}

# Verify and identify
VERIFY = "Verify"
VERIFY_INTRO = "Claim a name and speak, or ask who it is. “None of them” is an answer."
VERIFY_TASK = "Question"
VERIFY_CLAIM = "Is it the one whose name is claimed?"
VERIFY_WHO = "Who is it, if anybody?"
VERIFY_NAME = "Claimed name"
VERIFY_NAME_INFO = "Of those who are enrolled with this model"
VERIFY_PROBE = "The voice to test"
VERIFY_LIVE_INFO = "With the microphone, the answer below moves while you speak."
VERIFY_DO = "Decide"
VERIFY_NO_NAME = "Choose the name that is claimed, or ask who it is."
HEAD_SPEAKER = "speaker"
HEAD_LLR = "LLR"
HEAD_THRESHOLD = "threshold"
HEAD_COSINE = "cosine"
HEAD_ENROLLED = "enrolled speech"
RANKING = "The most likely of the enrolled"

# Most similar
SIMILAR = "Most similar"
SIMILAR_INTRO = (
    "Which of several recordings sound most like one? The best of many is high by chance: to "
    "decide, enrol the voices and ask who it is."
)
SIMILAR_PROBE = "Recording to match"
SIMILAR_REFERENCES = "References: files, or a folder"
SIMILAR_COUNT = "{count} to be compared."
SIMILAR_NONE = "Upload the references to compare with."
SIMILAR_DO = "Find the most similar"
SIMILAR_CLEAR = "Remove the references"
SIMILAR_BEST = "The most similar is {name}"
SIMILAR_TABLE = "The most similar first, by the LLR, which knows how much speech there was"
SIMILAR_FAILED = "Not compared"
SIMILAR_LISTEN = "Listen"
SIMILAR_PLAY = "Play {name}"
SIMILAR_YOURS = "The recording to match"
HEAD_SIMILARITY = "similarity"

# Look at a voice
LOOK = "Look at a voice"
LOOK_INTRO = "Waveform, spectrograms, cepstrum and pitch of a recording, with its speech marked."
LOOK_RECORDING = "Recording to look at"
LOOK_DO = "Draw it"
LOOK_WAVEFORM = "Waveform, speech in colour"
LOOK_PICTURES = {
    "mel": "Mel spectrogram",
    "stft": "Spectrogram (STFT)",
    "mfcc": "MFCC",
}
LOOK_PITCH_NONE = "There is no pitch in it."
LOOK_PITCH_FACTS = "Pitch, median {median} Hz (half: {low} to {high})"
LOOK_ALT = "{what} of {name} over {seconds} seconds"

# Speakers
SPEAKERS = "Speakers"
SPEAKERS_INTRO = "Who is enrolled here."
SPEAKERS_NONE = "Nobody is enrolled yet. Enrol a voice first."
SPEAKERS_TABLE = "Enrolled speakers"
SPEAKERS_CHOOSE = "Speaker"
SPEAKERS_SHOW = "Show"
SPEAKERS_ADD = "Add a voice"
SPEAKERS_EXPORT = "Export"
SPEAKERS_SAVE = "Save {file}"
SPEAKERS_EXPORTED = (
    "All that is stored of {name}. It holds biometric data, not encrypted: keep it safe."
)
SPEAKERS_SURE = "Yes, forget this voice for good"
SPEAKERS_DELETE = "Delete"
SPEAKERS_NOT_SURE = "Tick that you are sure; a deleted voice cannot be brought back."
SPEAKERS_DELETED = "{name} is forgotten for good: nothing of the voice is left in the store."
SPEAKERS_NO_CHOICE = "Choose a speaker first."
SPEAKERS_SAMPLES = "Recordings of {name}"
SPEAKERS_MAP = "Map of the enrolled voices"
SPEAKERS_MAP_ALT = "Map of the enrolled voices: {names}"
SPEAKERS_MAP_NOTE = (
    "Near each other means alike, as far as two of {dim} dimensions can show; scores are not "
    "made from it."
)
SPEAKERS_MAP_FEW = "The map is drawn from three voices on."
HEAD_RECORDINGS = "recordings"
HEAD_SINCE = "enrolled"
HEAD_CONSENT = "consent"
HEAD_PACKS = "models"
HEAD_ADDED = "added"
HEAD_WARNINGS = "doubts"
NO_CONSENT = "not recorded"

# Model
MODEL = "Model"
MODEL_INTRO = "The model that listens, its card, and its measured error rates."
MODEL_CHOOSE = "Model in use on this page"
MODEL_CHOOSE_INFO = "Voices enrolled with one model are not known to another"
MODEL_CARD = "Card of {pack}"
MODEL_FACTS = {
    "description": "what it is",
    "license": "licence",
    "training_data": "trained on",
    "embedding": "embedding",
    "speech": "speech it needs",
}
MODEL_EMBEDDING = "{dim} numbers, from sound at {rate} Hz"
MODEL_LEAST = "{least} s or more"
MODEL_SPEECH = "{least} s or more; better with {best} s"
MODEL_DET = "DET curve"
MODEL_DET_ALT = "DET curve of {pack}: misses over false accepts, a line for each amount of speech"
MODEL_DET_NOTE = (
    "Drawn from the table inside the model: measured by its makers on at least {pairs} pairs of "
    "recordings of one person and {strangers} of different people for each amount of speech. "
    "Your microphones and people differ."
)
MODEL_MISSES = "How often the right voice is refused, by speech and false-accept rate"
MODEL_METRICS = "Measured error rates, as the model states them"
MODEL_METRIC_SET = "recordings"
MODEL_METRIC_NAMES = {
    "trials": "trials",
    "eer": "EER %",
    "min_dcf_0.01": "min DCF 0.01",
    "cllr": "Cllr",
    "min_cllr": "min Cllr",
}
MODEL_COMPARE = "Compare two models on your own recordings"
MODEL_FIRST = "First model"
MODEL_SECOND = "Second model"
MODEL_RECORDINGS = "Two to eight recordings; each is compared with each"
MODEL_COMPARE_DO = "Compare the models"
MODEL_COMPARE_TABLE = "LLR of each pair; ✓ is accepted as one voice"
MODEL_ONLY_ONE = (
    "Only one model is here, so both columns will be the same; get another "
    "with “voxgate packs pull”, or start the page with --other-pack."
)
MODEL_TOO_MANY = "Give two to eight recordings; there are {count}."
HEAD_PAIR = "pair"
