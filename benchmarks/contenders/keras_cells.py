"""The notebook's cells in Keras, on the backend that KERAS_BACKEND names.

    python -m contenders.keras_cells NETWORK DATA.npz EPOCHS BATCH_SIZE LEARNING_RATE SEED [HOW]

HOW is `keras`, or `firstlight`: then `model.fit(` has become `firstlight.fit(model, `.

The statements are the notebook's: one-hot labels, images divided by 255 (which makes them
float64), one initializer object for all layers of VGG. `keras` stands for its `tf.keras`, which
is the same module. Three things differ, and have to: the data come from a file instead of a
download, the unfinished intermediate network gets the `Flatten` that it lacks, and VGG, which
ends in one number there, gets ten outputs with softmax.
"""

import sys
import warnings
from typing import Any

import keras
from contenders.job import Clock, Job, answer
from keras import layers

NUM_CLASSES = 10


def make_model_simple(input_shape: tuple[int, ...]) -> Any:
    model = keras.Sequential()
    model.add(
        layers.Conv2D(
            8, kernel_size=(16, 16), strides=(1, 1), activation="relu", input_shape=input_shape
        )
    )
    model.add(layers.Flatten())
    model.add(layers.Dense(NUM_CLASSES, activation="softmax"))
    return model


def make_model_intermediate(input_shape: tuple[int, ...]) -> Any:
    model = keras.Sequential()
    model.add(
        layers.Conv2D(
            16, kernel_size=(5, 5), strides=(1, 1), activation="relu", input_shape=input_shape
        )
    )
    model.add(layers.MaxPooling2D(pool_size=(2, 2), strides=(2, 2)))
    model.add(layers.Flatten())
    model.add(layers.Dense(NUM_CLASSES, activation="softmax"))
    return model


def make_model_vgg(input_shape: tuple[int, ...]) -> Any:
    initializer = keras.initializers.GlorotNormal()
    model = keras.Sequential()

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
    return model


NETWORKS = {
    "simple": make_model_simple,
    "intermediate": make_model_intermediate,
    "vgg": make_model_vgg,
}


class Watch(keras.callbacks.Callback):
    """Tells the clock; the batches' sizes are not said, so they are counted here."""

    def __init__(self, clock: Clock, images: int, batch_size: int) -> None:
        super().__init__()
        self.clock, self.images, self.batch_size = clock, images, batch_size

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.clock.start_epoch()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.clock.batch(min(self.batch_size, self.images - batch * self.batch_size))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.clock.end_epoch()


def main(job: Job, how: str) -> None:
    keras.utils.set_random_seed(job.seed)
    train_images, y_train, test_images, y_test = job.arrays()
    train_images = train_images / 255.0
    test_images = test_images / 255.0
    train_labels = keras.utils.to_categorical(y_train, NUM_CLASSES)
    test_labels = keras.utils.to_categorical(y_test, NUM_CLASSES)
    image_shape = train_images[0].shape
    train_images = train_images.reshape(len(train_images), image_shape[0], image_shape[1], 1)
    test_images = test_images.reshape(len(test_images), image_shape[0], image_shape[1], 1)

    model = NETWORKS[job.network](train_images[0].shape)
    model.compile(
        loss=keras.losses.categorical_crossentropy,
        optimizer=keras.optimizers.Adam(learning_rate=job.learning_rate),
        metrics=["accuracy"],
    )
    clock = Clock()
    options = {
        "batch_size": job.batch_size,
        "epochs": job.epochs,
        "verbose": 0,
        "callbacks": [Watch(clock, len(train_images), job.batch_size)],
    }
    if how == "firstlight":
        import firstlight
        from firstlight.core.errors import EngineWarning

        # What is left to Keras would be Keras compared with itself.
        warnings.simplefilter("error", EngineWarning)
        firstlight.fit(model, train_images, train_labels, **options)
    else:
        model.fit(train_images, train_labels, **options)
    _, accuracy = model.evaluate(test_images, test_labels, verbose=0)
    backend = keras.backend.backend()
    answer(clock, float(accuracy), int(model.count_params()), "keras", BACKENDS[backend])


# The distribution that brings each backend.
BACKENDS = {"tensorflow": "tensorflow-cpu", "jax": "jax", "torch": "torch"}

if __name__ == "__main__":
    main(Job.from_command_line(), how=sys.argv[7] if len(sys.argv) > 7 else "keras")
