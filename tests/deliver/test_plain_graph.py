"""What leaves is a plain graph with one output, in whichever form."""

import pytest

from firstlight.core.errors import ModelError
from firstlight.deliver import to_onnx, write_network
from firstlight.models import import_keras

keras = import_keras()


class Own(keras.Model):
    """A network with code of its own."""

    def call(self, x):
        return x


@pytest.mark.parametrize(
    "leave",
    [lambda model: to_onnx(model, ["image"], ["answer"]), lambda model: write_network(model, [])],
    ids=["onnx", "code"],
)
def test_models_that_are_no_plain_graph_are_refused(leave):
    own = Own(name="own")
    own.build((None, 4))
    with pytest.raises(ModelError, match="own has code of its own"):
        leave(own)
    image = keras.Input((4,))
    with pytest.raises(ModelError, match="has 2 outputs, but one was expected"):
        leave(keras.Model(image, [image * 2, image + 1]))
