"""Layers from waveforms (batch, samples) at 16 kHz to features (batch, bands, frames).

They are part of the network, so that an exported model cannot be fed wrongly, and have no trainable
weight. Each is made from its frozen config, and says in `bands` how many rows its features have.
"""

from voxgate.train.frontends.decibel import Decibel, DecibelConfig
from voxgate.train.frontends.mel import Mel, MelConfig
from voxgate.train.frontends.mfcc import Mfcc, MfccConfig
from voxgate.train.frontends.picture import Picture, PictureConfig
from voxgate.train.frontends.stft import Stft, StftConfig

FRONT_ENDS = {  # name in the TOML's [front_end] kind -> config, layer
    "mel": (MelConfig, Mel),
    "decibel": (DecibelConfig, Decibel),
    "mfcc": (MfccConfig, Mfcc),
    "picture": (PictureConfig, Picture),
    "stft": (StftConfig, Stft),
}
