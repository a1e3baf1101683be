"""Networks from features (batch, bands, frames) to embeddings (batch, dim), one file each.

A network is made from its frozen config and the number of bands that its front end gives. Every
config has `dim`, the size of the embedding.
"""

from voxgate.train.architectures.cnn_lstm import CnnLstm, CnnLstmConfig
from voxgate.train.architectures.ecapa import Ecapa, EcapaConfig
from voxgate.train.architectures.redimnet import ReDimNet, ReDimNetConfig
from voxgate.train.architectures.resnet34 import ResNet34, ResNet34Config
from voxgate.train.architectures.spectrogram_cnn import SpectrogramCnn, SpectrogramCnnConfig
from voxgate.train.architectures.twin_gru import TwinGru, TwinGruConfig
from voxgate.train.architectures.twin_lstm import TwinLstm, TwinLstmConfig
from voxgate.train.architectures.vgg16 import Vgg16, Vgg16Config

ARCHITECTURES = {  # name in the TOML's [model] kind -> config, network
    "ecapa": (EcapaConfig, Ecapa),
    "cnn_lstm": (CnnLstmConfig, CnnLstm),
    "redimnet": (ReDimNetConfig, ReDimNet),
    "resnet34": (ResNet34Config, ResNet34),
    "spectrogram_cnn": (SpectrogramCnnConfig, SpectrogramCnn),
    "twin_gru": (TwinGruConfig, TwinGru),
    "twin_lstm": (TwinLstmConfig, TwinLstm),
    "vgg16": (Vgg16Config, Vgg16),
}
