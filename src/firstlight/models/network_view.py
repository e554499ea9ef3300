"""A network in the making as it is shown: each layer with what it comes to and what is wrong."""

from __future__ import annotations

from firstlight.core.dataset import Task
from firstlight.core.network import NetworkRow, NetworkView
from firstlight.core.settings import TrainSettings
from firstlight.models.catalogue import CATALOGUE
from firstlight.models.doctor import check_layers
from firstlight.models.layer_files import format_layers
from firstlight.models.network_document import NetworkDocument
from firstlight.models.plain_keras import keras_code


def view_network(
    document: NetworkDocument,
    image_shape: tuple[int, int, int],
    outputs: int,
    task: Task,
    settings: TrainSettings | None = None,
) -> NetworkView:
    """Everything there is to show of a network in the making, in a millisecond or two.

    Args:
        document: the network.
        image_shape: `(H, W, C)` of the images.
        outputs: the number of classes, or of values to measure.
        task: `classify` or `measure`.
        settings: how it is to be trained, as in `check_model`.

    Returns:
        The rows with their costs and findings, the totals, and the network as YAML and as code.
        No layer is made and no weight; Keras is not imported.

    Example:
        >>> from firstlight.core.findings import Layer
        >>> dense = Layer("Dense", {"units": "outputs", "activation": "softmax"})
        >>> document = NetworkDocument.of([Layer("Flatten"), dense])
        >>> view = view_network(document, (28, 28, 1), 10, "classify")
        >>> view.parameters, view.rows[0].makes, view.ready
        (7850, (784,), True)
    """
    layers = document.layers
    checkup = check_layers(layers, image_shape, outputs, task, settings)
    rows = []
    for index, row in enumerate(document.rows):
        known = CATALOGUE.get(row.layer.kind)
        cost = checkup.layers[index] if index < len(checkup.layers) else None
        received: tuple[int, ...] | None = image_shape if index == 0 else None
        if 0 < index <= len(checkup.layers):
            received = checkup.layers[index - 1].makes
        rows.append(
            NetworkRow(
                key=row.key,
                kind=row.layer.kind,
                title=known.title if known else row.layer.kind,
                words=known.words if known else "",
                arguments=row.layer.arguments,
                received=received,
                makes=cost.makes if cost else None,
                parameters=cost.parameters if cost else None,
                flops=cost.flops if cost else None,
                receptive_field=cost.receptive_field if cost else None,
                findings=tuple(item for item in checkup.findings if item.index == index),
            )
        )
    return NetworkView(
        revision=document.revision,
        rows=tuple(rows),
        findings=tuple(item for item in checkup.findings if item.index is None),
        parameters=sum(cost.parameters for cost in checkup.layers),
        flops=sum(cost.flops for cost in checkup.layers),
        activation_bytes=sum(cost.activation_bytes for cost in checkup.layers),
        ready=not checkup.errors,
        can_undo=document.can_undo,
        can_redo=document.can_redo,
        yaml=format_layers(layers),
        code=keras_code(layers, image_shape, outputs),
    )
