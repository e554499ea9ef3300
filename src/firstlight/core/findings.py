"""Records of the shape doctor: layers as plain values, their cost, what is wrong, the remedy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from firstlight.core.notebook import html_table


@dataclass(frozen=True)
class Layer:
    """One layer of a network as a list of layers writes it.

    Attributes:
        kind: the Keras layer class (`Conv2D`).
        arguments: its keyword arguments, plain values only.
    """

    kind: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Edit:
    """One change to a list of layers that a program can apply.

    `insert` puts `layer` before position `index`, `replace` puts it in place of the
    layer there, `remove` takes the layer away (`layer` is None).
    """

    action: Literal["insert", "replace", "remove"]
    index: int
    layer: Layer | None = None


@dataclass(frozen=True)
class Fix:
    """How to mend a finding.

    Attributes:
        sentence: what to do, for a person.
        edits: changes to the list of layers, applied in order.
        settings: training options to change (`{"loss": "mean_squared_error"}`).
    """

    sentence: str
    edits: tuple[Edit, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """Something that the doctor noticed about a network, its data or its settings.

    Attributes:
        level: `error` stops training, `warning` does not, `advice` is a hint.
        code: a short fixed name (`one-answer-per-image`), for programs and links.
        message: what is wrong, in a sentence a student understands.
        layer: the layer's name, or "" where it is about no single layer.
        index: the layer's position in the list, or None.
        received: the shape that the layer gets, without the batch axis, or None.
        makes: the shape that it makes, or None where it cannot make any.
        fix: the change that mends it, or None.
    """

    level: Literal["error", "warning", "advice"]
    code: str
    message: str
    layer: str = ""
    index: int | None = None
    received: tuple[int, ...] | None = None
    makes: tuple[int, ...] | None = None
    fix: Fix | None = None


@dataclass(frozen=True)
class LayerCost:
    """One row of the walk through a network; shapes are without the batch axis.

    Attributes:
        flops: floating-point operations for one image, a multiply and an add counted as two.
        activation_bytes: memory of the output for one image, in bytes (float32).
        receptive_field: (height, width) in input pixels that one output value sees,
            or None once positions are lost (after Flatten or Dense).
    """

    name: str
    kind: str
    received: tuple[int, ...]
    makes: tuple[int, ...]
    parameters: int
    trainable_parameters: int
    flops: int
    activation_bytes: int
    receptive_field: tuple[int, int] | None


@dataclass(frozen=True)
class Checkup:
    """What the doctor says about one network on one data set.

    Attributes:
        model: the model as asked for (`compact`, `net.py:make_model`).
        layers: the walk, up to the layer where it broke, if it did.
        findings: errors first.
        mended: the list with the fixes of errors and warnings applied, or None where there is
            nothing to mend or the network is no plain list.
    """

    model: str
    layers: tuple[LayerCost, ...]
    findings: tuple[Finding, ...]
    mended: tuple[Layer, ...] | None = None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop training."""
        return tuple(finding for finding in self.findings if finding.level == "error")

    def _repr_html_(self) -> str:
        layers = [
            {
                "layer": layer.name,
                "kind": layer.kind,
                "receives": "x".join(map(str, layer.received)),
                "makes": "x".join(map(str, layer.makes)),
                "parameters": f"{layer.parameters:,}",
                "FLOPs": f"{layer.flops:,}",
            }
            for layer in self.layers
        ]
        findings = [
            {
                "level": finding.level,
                "layer": finding.layer,
                "finding": finding.message,
                "fix": "" if finding.fix is None else finding.fix.sentence,
            }
            for finding in self.findings
        ]
        said = "what the doctor says" if findings else f"{self.model}: nothing to mend"
        return html_table(layers, caption=self.model) + html_table(findings, caption=said)
