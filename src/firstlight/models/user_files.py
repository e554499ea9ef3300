"""Networks that a user's own Python file makes: `net.py:make_model`.

Running that file is running the user's own code, as `python net.py` would.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.core.dataset import Task
from firstlight.core.errors import ModelError
from firstlight.models.argument_rules import suggestion
from firstlight.models.backend import import_keras
from firstlight.models.layers import first_sentence

if TYPE_CHECKING:
    import keras

_NAMES = {
    "outputs": ("num_classes", "n_classes", "classes", "outputs", "output", "num_outputs"),
    "image_shape": ("input_shape", "image_shape", "shape"),
    "task": ("task",),
}


def model_from_file(
    source: str, image_shape: tuple[int, int, int], outputs: int, task: Task
) -> keras.Model:
    r"""The network that a function in a Python file returns.

    The function is called with those of its arguments that firstlight knows: the number of
    answers (`num_classes`, `outputs`, `output`), the images' shape `(H, W, C)` (`input_shape`,
    `image_shape`) and the `task`. Its other arguments keep their defaults.

    Args:
        source: `path/net.py:function`.
        image_shape: `(H, W, C)` of the images.
        outputs: how many numbers the network has to answer with.
        task: `classify` or `measure`.

    Returns:
        The model, built for the images where the function left its input open.

    Raises:
        ModelError: the file or function is missing, fails, or returns no Keras model.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.py"
        >>> _ = path.write_text(
        ...     "import keras\n"
        ...     "def make_model(num_classes):\n"
        ...     "    flat, last = keras.layers.Flatten(), keras.layers.Dense(num_classes)\n"
        ...     "    return keras.Sequential([flat, last])\n"
        ... )
        >>> model_from_file(f"{path}:make_model", (28, 28, 1), 10, "classify").output_shape
        (None, 10)
    """
    path, function = _parted(source)
    if not path.is_file():
        raise ModelError(f"there is no file {path}: give a path such as folder/net.py:make_model.")
    _check_function(path, function)
    import_keras()
    make = getattr(_run(path), function, None)
    if not callable(make):
        raise ModelError(f"{path.name} holds no function {function} once it has run.")
    values = {"outputs": outputs, "image_shape": image_shape, "task": task}
    arguments = _arguments(f"{path.name}:{function}", make, values)
    with warnings.catch_warnings(), _beside(path):
        # How the notebook, and many a tutorial, gives the input's shape.
        warnings.filterwarnings("ignore", message="Do not pass an `input_shape`")
        try:
            model = make(**arguments)
            return _built(source, model, image_shape)
        except ModelError:
            raise
        except (Exception, SystemExit) as error:
            raise ModelError(
                f"{path.name}:{function} stopped{_line_in(path, error)} while making the network "
                f"for {'x'.join(map(str, image_shape))} images: {_plain(error)}"
            ) from error


def classes_of_file(source: str | os.PathLike[str]) -> dict[str, type]:
    r"""The layer classes of the user's own that a Python file holds, by name.

    The file is run, so it has to be one that the user trusts. Initializers, regularizers and
    constraints count as well, and so do classes that it imports from files beside it.

    Args:
        source: `path/net.py` or `path/net.py:function`; any other model has none.

    Raises:
        ModelError: the file is missing or fails.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.py"
        >>> _ = path.write_text("import keras\nclass Doubled(keras.layers.Layer): ...\n")
        >>> list(classes_of_file(path)), classes_of_file("compact")
        (['Doubled'], {})
    """
    path, _ = _parted(os.fspath(source))
    if path.suffix != ".py":
        return {}
    if not path.is_file():
        raise ModelError(f"there is no file {path}: give the file that defines the layers.")
    keras = import_keras()
    kinds = (
        keras.layers.Layer,
        keras.initializers.Initializer,
        keras.regularizers.Regularizer,
        keras.constraints.Constraint,
    )
    return {
        value.__name__: value
        for value in vars(_run(path)).values()
        if isinstance(value, type)
        and issubclass(value, kinds)
        and value.__module__.partition(".")[0] != "keras"
    }


def _parted(source: str) -> tuple[Path, str]:
    """`net.py:function` as a path and a name, which is "" where there is none."""
    if source.endswith(".py"):
        return Path(source), ""
    file, _, function = source.rpartition(":")
    return Path(file), function


def _plain(error: BaseException) -> str:
    """Why a network could not be made, in plain words where Keras's own are not."""
    if isinstance(error, SystemExit):
        return "it calls exit(), which would end firstlight too: take that call out."
    if "output size would be zero or negative" in str(error):
        return "a kernel or a pooling is larger than what is left of the image when it comes."
    return first_sentence(error)


def _check_function(path: Path, function: str) -> None:
    """Refuse a function that the file does not define, before running the file."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        reason = getattr(error, "msg", error)
        raise ModelError(
            f"{path.name} is no Python that can be read (line {line}): {reason}."
        ) from error
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    imported = [
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]
    assigned = [
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    if function not in (*names, *imported, *assigned):
        listed = suggestion(function, names) if names else "it defines none."
        if function:
            raise ModelError(f"{path.name} has no function {function}: {listed}")
        raise ModelError(f"name the function too, as in {path.name}:make_model: {listed}")


def _run(path: Path) -> Any:
    """The file as a module; files beside it can be imported from it."""
    name = f"firstlight_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path.name} is no Python file: its name has to end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _beside(path):
            spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        raise ModelError(
            f"{path.name} imports {error.name}, {_remedy(error.name or '')}"
        ) from error
    except (Exception, SystemExit) as error:
        where = _line_in(path, error)
        raise ModelError(f"{path.name} stopped{where} while it ran: {_plain(error)}") from error
    return module


def _line_in(path: Path, error: BaseException) -> str:
    """The line of the user's own file that an error comes from, in words."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).name == path.name
    ]
    return f" in line {lines[-1]}" if lines else ""


@contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Let the files beside a file be imported inside the block."""
    folder = str(path.parent.resolve())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        # A file that puts things right on sys.path by itself may have taken it away.
        if folder in sys.path:
            sys.path.remove(folder)


def _remedy(package: str) -> str:
    if package.partition(".")[0] == "tensorflow":
        return (
            "which is not installed: write `import keras` and `keras.` in place of `tf.keras.`, "
            "or run `pip install tensorflow`."
        )
    return f"which is not installed: run `pip install {package.partition('.')[0]}`."


def _arguments(name: str, make: Callable[..., Any], values: dict[str, Any]) -> dict[str, Any]:
    """The known ones among a function's arguments; a required one that is unknown is an error."""
    by_name = {alias: values[value] for value, aliases in _NAMES.items() for alias in aliases}
    arguments = {}
    for parameter in inspect.signature(make).parameters.values():
        if parameter.name in by_name:
            arguments[parameter.name] = by_name[parameter.name]
        elif parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            raise ModelError(
                f"{name} needs an argument {parameter.name}, which firstlight does not know: "
                "give it a default, or call it num_classes, input_shape or task."
            )
    return arguments


def _built(source: str, model: Any, image_shape: tuple[int, int, int]) -> keras.Model:
    """The model with weights; a network written as a class is wrapped around an input."""
    keras = import_keras()
    if not isinstance(model, keras.Model):
        raise ModelError(
            f"{source} returned {type(model).__name__}, not a Keras model: "
            "return a keras.Sequential or keras.Model from it."
        )
    if isinstance(model, keras.Sequential):
        if not model.built:
            model.build((None, *image_shape))
        return model
    if getattr(model, "inputs", None):
        return model
    inputs = keras.Input(image_shape)
    return keras.Model(inputs, model(inputs))
