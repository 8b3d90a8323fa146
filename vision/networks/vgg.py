"""VGG16 and VGG-19 (Simonyan and Zisserman 2014, configurations D and E), from keras.applications."""

from __future__ import annotations

from vision.networks import applications
from vision.networks.network import Network
from vision.networks.weights import WeightsFile

_ABOUT = "Simonyan and Zisserman 2014, https://arxiv.org/abs/1409.1556; 71.3 % top-1 on ImageNet (Keras's table)"

VGG16_WEIGHTS = WeightsFile(
    name="vgg16_weights_tf_dim_ordering_tf_kernels.h5",
    size=553_467_096,
    md5="64373286793e3c8b2b4e3219cbf3544b",
    url_path="keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5",
    network="vgg16",
    has_path=True,
)

VGG16 = Network(
    id="vgg16",
    title="VGG16",
    about=_ABOUT,
    input_size=224,
    resize=256,
    interpolation="bilinear",
    preprocessing=applications.CAFFE,
    build=applications.builder("VGG16"),
    preprocess=applications.caffe,
    load=applications.loader(VGG16_WEIGHTS),
    gains_from_16_bits=True,
    weights=VGG16_WEIGHTS,
    randomise=applications.randomise,
)

VGG19_WEIGHTS = WeightsFile(
    name="vgg19_weights_tf_dim_ordering_tf_kernels.h5",
    size=574_710_816,
    md5="cbe5617147190e668d6c5d5026f83318",
    url_path="keras-applications/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels.h5",
    network="vgg19",
)

VGG19 = Network(
    id="vgg19",
    title="VGG-19",
    about=_ABOUT,
    input_size=224,
    resize=256,
    interpolation="bilinear",
    preprocessing=applications.CAFFE,
    build=applications.builder("VGG19"),
    preprocess=applications.caffe,
    load=applications.loader(VGG19_WEIGHTS),
    gains_from_16_bits=True,
    weights=VGG19_WEIGHTS,
    randomise=applications.randomise,
)
