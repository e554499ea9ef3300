"""The exemplar's cells in Keras on TensorFlow, run in the environment that `exemplar.py` makes.

    python exemplar_cells.py NETWORK DATA.npz EPOCHS BATCH_SIZE

The statements are the notebook's: one-hot labels, images divided by 255 (which makes them
float64), one initializer object for all layers of VGG. Three things differ, and have to: the
data come from a file instead of a download, the unfinished intermediate network gets the
`Flatten` that it lacks, and VGG, which ends in one number there, gets ten outputs with softmax.
The last line printed is a JSON object.
"""

import json
import sys
import time
from typing import Any

import numpy as np
import tensorflow as tf

NUM_CLASSES = 10
Compiling = tuple[Any, Any]  # the network and its optimizer
layers = tf.keras.layers


def make_model_simple(input_shape: tuple[int, ...]) -> Compiling:
    model = tf.keras.Sequential()
    model.add(
        layers.Conv2D(
            8, kernel_size=(16, 16), strides=(1, 1), activation="relu", input_shape=input_shape
        )
    )
    model.add(layers.Flatten())
    model.add(layers.Dense(NUM_CLASSES, activation="softmax"))
    return model, tf.keras.optimizers.Adam()


def make_model_intermediate(input_shape: tuple[int, ...]) -> Compiling:
    model = tf.keras.Sequential()
    model.add(
        layers.Conv2D(
            16, kernel_size=(5, 5), strides=(1, 1), activation="relu", input_shape=input_shape
        )
    )
    model.add(layers.MaxPooling2D(pool_size=(2, 2), strides=(2, 2)))
    model.add(layers.Flatten())
    model.add(layers.Dense(NUM_CLASSES, activation="softmax"))
    return model, tf.keras.optimizers.Adam()


def make_model_vgg(input_shape: tuple[int, ...]) -> Compiling:
    initializer = tf.keras.initializers.GlorotNormal()
    model = tf.keras.Sequential()

    def normalise() -> None:
        model.add(layers.BatchNormalization(beta_initializer=initializer, momentum=0.9))
        model.add(layers.Activation("relu"))

    for block, filters in enumerate((32, 64, 128, 256)):
        for _ in range(2):
            model.add(
                layers.Conv2D(
                    filters,
                    kernel_size=(3, 3),
                    strides=(1, 1),
                    padding="same",
                    kernel_initializer=initializer,
                    use_bias=False,
                )
            )
        normalise()
        if block < 3:
            model.add(layers.MaxPooling2D(pool_size=(2, 2), strides=(2, 2)))
    model.add(layers.Flatten())
    for _ in range(3):
        model.add(layers.Dense(1024, kernel_initializer=initializer, use_bias=False))
        normalise()
    model.add(layers.Dense(NUM_CLASSES, kernel_initializer=initializer, use_bias=False))
    model.add(layers.Activation("softmax"))
    return model, tf.keras.optimizers.Adam(learning_rate=0.01)


NETWORKS = {
    "simple": make_model_simple,
    "intermediate": make_model_intermediate,
    "vgg": make_model_vgg,
}


class Clock(tf.keras.callbacks.Callback):
    """Images a second of each epoch; the very first step, which builds the graph, is left out."""

    def __init__(self, images: int, batch_size: int) -> None:
        super().__init__()
        self.images, self.batch_size = images, batch_size
        self.rates: list[float] = []
        self.begin, self.counted = 0.0, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.begin, self.counted = time.perf_counter(), self.images

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 0 and not self.rates:
            self.begin, self.counted = time.perf_counter(), self.images - self.batch_size

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.rates.append(self.counted / (time.perf_counter() - self.begin))


def main(network: str, data: str, epochs: int, batch_size: int) -> None:
    with np.load(data, allow_pickle=False) as arrays:
        train_images, y_train = arrays["x_train"], arrays["y_train"]
        test_images, y_test = arrays["x_test"], arrays["y_test"]

    train_images = train_images / 255.0
    test_images = test_images / 255.0
    train_labels = tf.keras.utils.to_categorical(y_train, NUM_CLASSES)
    test_labels = tf.keras.utils.to_categorical(y_test, NUM_CLASSES)
    image_shape = train_images[0].shape
    train_images = train_images.reshape(len(train_images), image_shape[0], image_shape[1], 1)
    test_images = test_images.reshape(len(test_images), image_shape[0], image_shape[1], 1)

    model, optimizer = NETWORKS[network](train_images[0].shape)
    model.compile(
        loss=tf.keras.losses.categorical_crossentropy, optimizer=optimizer, metrics=["accuracy"]
    )
    clock = Clock(len(train_images), batch_size)
    model.fit(
        train_images,
        train_labels,
        batch_size=batch_size,
        epochs=epochs,
        verbose=0,
        callbacks=[clock],
    )
    _, accuracy = model.evaluate(test_images, test_labels, verbose=0)
    result = {
        "images_per_second": float(np.median(clock.rates)),
        "accuracy": float(accuracy),
        "parameters": int(model.count_params()),
        "versions": {"tensorflow": tf.__version__, "keras": tf.keras.__version__},
    }
    print("\n" + json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
