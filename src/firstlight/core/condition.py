"""A condition on numbers that are known of images, such as `0.01 < xHI < 0.99 and z > 7`."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from firstlight.core.errors import SettingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@dataclass(frozen=True)
class Condition:
    """What the option `--keep` says, read and checked; nothing of it is ever run as code.

    Attributes:
        text: as it was given.
        tree: its comparisons, joined by `and`, `or` and `not`.

    Example:
        >>> import numpy as np
        >>> condition = Condition.parse("0.01 < xHI < 0.99 and z == 8")
        >>> condition.names
        ('xHI', 'z')
        >>> condition.holds({"xHI": np.array([0.0, 0.5]), "z": np.array([8.0, 8.0])}).tolist()
        [False, True]
    """

    text: str
    tree: ast.expr

    @classmethod
    def parse(cls, text: str) -> Condition:
        """The condition that a text says.

        Raises:
            SettingError: it holds anything but names, numbers, comparisons, and, or, not.
        """
        try:
            tree = ast.parse(text.strip(), mode="eval").body
            _require_plain(tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise SettingError(
                f"--keep takes comparisons of columns and numbers, such as '0.01 < xHI < 0.99 and "
                f"z > 7', but {text!r} came: write it like that, in quotes."
            ) from None
        return cls(text, tree)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that it asks for, in order."""
        found = [node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)]
        return tuple(sorted(set(found), key=found.index))

    def holds(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
        """Where it is true.

        Args:
            columns: `(N,)` numbers by name, all of `names` among them.

        Returns:
            `(N,)` booleans.
        """
        import numpy as np

        return np.asarray(_value(self.tree, columns), bool)


def _require_plain(node: ast.expr) -> None:
    """Refuse (ValueError) what is more than comparisons of names and numbers."""
    if isinstance(node, ast.BoolOp):
        for part in node.values:
            _require_plain(part)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _require_plain(node.operand)
    elif isinstance(node, ast.Compare) and all(type(sign) in COMPARISONS for sign in node.ops):
        sides = [node.left, *node.comparators]
        for side in sides:
            _require_operand(side)
        if not any(isinstance(side, ast.Name) for side in sides):
            raise ValueError
    else:
        raise ValueError


def _require_operand(node: ast.expr) -> None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        node = node.operand
    number = isinstance(node, ast.Constant) and type(node.value) in (int, float)
    if not (number or isinstance(node, ast.Name)):
        raise ValueError


def _value(node: ast.expr, columns: Mapping[str, NDArray[Any]]) -> Any:
    import numpy as np

    if isinstance(node, ast.BoolOp):
        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return join.reduce([_value(part, columns) for part in node.values])
    if isinstance(node, ast.Compare):
        sides = [_value(side, columns) for side in (node.left, *node.comparators)]
        pairs = zip(node.ops, sides, sides[1:], strict=False)
        return np.logical_and.reduce([COMPARISONS[type(sign)](a, b) for sign, a, b in pairs])
    if isinstance(node, ast.UnaryOp):
        inside = _value(node.operand, columns)
        if isinstance(node.op, ast.Not):
            return np.logical_not(inside)
        return -inside if isinstance(node.op, ast.USub) else inside
    if isinstance(node, ast.Name):
        return columns[node.id]
    assert isinstance(node, ast.Constant)
    return node.value
