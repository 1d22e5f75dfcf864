"""Float layers turned into an ONNX graph on whole numbers.

Activations are uint8, one scale for each layer, found on real cells; weights are signed, one scale for each
neuron. Weights keep 7 bits: processors without the newest instructions add up pairs in 16 bits, and would overflow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ml.compute.network import CENTRE_CODE, HIGHEST_CODE, INPUT, OUTPUT

_WEIGHT_LIMIT = 63
_OPSET, _IR = 17, 8
# Activations above this share of all are cut: the others then keep finer steps.
_KEPT_SHARE = 0.9995


@dataclass(frozen=True)
class Layer:
    """`weights`: (inputs, outputs); `bias`: (outputs,). All but the last layer are followed by ReLU."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]


def quantised_graph(layers: Sequence[Layer], codes: NDArray[np.uint8], unit: float) -> bytes:
    """Build the graph.

    Args:
        layers: from input to classes.
        codes: (cells, features) real inputs, on which activations are measured.
        unit: value of one code, from CENTRE_CODE on.

    Returns:
        The ONNX model, from codes to shares.
    """
    nodes: list[Any] = []
    constants: list[Any] = []
    values = (codes.astype(np.float64) - CENTRE_CODE) * unit
    source, scale, zero = INPUT, unit, CENTRE_CODE
    for turn, layer in enumerate(layers):
        is_last = turn == len(layers) - 1
        values = values @ layer.weights + layer.bias
        values = values if is_last else np.maximum(values, 0)
        next_scale = None if is_last else max(float(np.quantile(values, _KEPT_SHARE)), 1e-6) / HIGHEST_CODE
        inputs = _layer_constants(layer, turn, (scale, zero), next_scale)
        constants += inputs
        target = "scores" if is_last else f"activations_{turn}"
        names = [source, *(constant.name for constant in inputs)]
        nodes.append(helper.make_node("QGemm", names, [target], domain="com.microsoft"))
        source, scale, zero = target, next_scale or 0.0, 0
    nodes.append(helper.make_node("Softmax", ["scores"], [OUTPUT], axis=1))
    graph = helper.make_graph(
        nodes,
        "distilled",
        [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["cells", layers[0].weights.shape[0]])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["cells", layers[-1].weights.shape[1]])],
        constants,
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR, producer_name="ml.compute")
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _layer_constants(layer: Layer, turn: int, source: tuple[float, int], next_scale: float | None) -> list[Any]:
    """The constants of a QGemm in the order of its inputs."""
    scale, zero = source
    steps = np.maximum(np.abs(layer.weights).max(axis=0), 1e-9) / _WEIGHT_LIMIT
    weights = np.rint(layer.weights / steps).astype(np.int8)
    bias = np.rint(layer.bias / (steps * scale)).astype(np.int64)
    arrays: dict[str, NDArray[Any]] = {
        "scale": np.array(scale, np.float32),
        "zero": np.array(zero, np.uint8),
        "weights": weights,
        "steps": steps.astype(np.float32),
        "weight_zeros": np.zeros(steps.size, np.int8),
        "bias": np.clip(bias, -(2**30), 2**30).astype(np.int32),
    }
    if next_scale is not None:
        arrays |= {"next_scale": np.array(next_scale, np.float32), "next_zero": np.array(0, np.uint8)}
    return [numpy_helper.from_array(array, f"{name}_{turn}") for name, array in arrays.items()]
