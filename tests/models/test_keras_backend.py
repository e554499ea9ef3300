"""The backend is the user's choice, and Keras on torch is whole although it is imported quickly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def run_python(code: str, home: Path, **environment: str) -> str:
    """Run code in a fresh process with an empty home folder; returns what it prints."""
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "OMP_NUM_THREADS": "2",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=variables | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CHOICE = """
import os
from firstlight.models.backend import _choose_backend
print(_choose_backend(), os.environ.get("KERAS_BACKEND"))
"""


def write_choice(home: Path, backend: str) -> None:
    (home / ".keras").mkdir(exist_ok=True)
    (home / ".keras" / "keras.json").write_text(json.dumps({"backend": backend}))


def test_torch_is_the_default(tmp_path: Path) -> None:
    assert run_python(CHOICE, tmp_path) == "torch torch"
    # What Keras writes there itself, whatever is installed.
    write_choice(tmp_path, "tensorflow")
    assert run_python(CHOICE, tmp_path) == "torch torch"
    # Always installed, but it cannot train.
    write_choice(tmp_path, "numpy")
    assert run_python(CHOICE, tmp_path) == "torch torch"


@pytest.mark.parametrize("where", ["environment", "file"])
def test_the_users_backend_is_kept(tmp_path: Path, where: str) -> None:
    # Enough to be found: only the choice is made here, nothing is imported.
    (tmp_path / "jax").mkdir()
    (tmp_path / "jax" / "__init__.py").write_text("")
    found = os.pathsep.join([*sys.path, str(tmp_path)])
    if where == "file":
        write_choice(tmp_path, "jax")
        assert run_python(CHOICE, tmp_path, PYTHONPATH=found) == "jax None"
    else:
        choice = run_python(CHOICE, tmp_path, PYTHONPATH=found, KERAS_BACKEND="jax")
        assert choice == "jax jax"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("theano", "KERAS_BACKEND is one of torch, tensorflow, jax, but 'theano' came"),
        ("numpy", "KERAS_BACKEND is one of torch, tensorflow, jax, but 'numpy' came"),
        ("jax", "KERAS_BACKEND asks for jax, which is not installed: run `pip install jax`"),
    ],
)
def test_an_impossible_backend_is_refused(tmp_path: Path, asked: str, message: str) -> None:
    code = (
        "from firstlight.models import import_keras\n"
        "from firstlight.core.errors import ModelError\n"
        "try: import_keras()\n"
        "except ModelError as error: print(error)"
    )
    assert run_python(code, tmp_path, KERAS_BACKEND=asked).startswith(message)


def test_the_stand_in_is_gone_afterwards_and_the_real_module_can_be_imported(
    tmp_path: Path,
) -> None:
    code = """
import sys, torch
from firstlight.models import hurry, import_keras
hurry()
keras = import_keras()
names = ("torch._dynamo", "sklearn", "matplotlib", "pandas")
print(keras.backend.backend(), [name for name in names if name in sys.modules])
print("_dynamo" in vars(torch))
a = keras.ops.convert_to_numpy(keras.random.normal((3,), seed=7))
print(keras.ops.image.resize(torch.ones(1, 4, 4, 1), (2, 2)).shape)
print(keras.ops.image.elastic_transform(torch.ones(1, 4, 4, 1), seed=1).shape)
print("torch._dynamo" in sys.modules)
import torch._dynamo, pandas
print(torch._dynamo is sys.modules["torch._dynamo"], torch._dynamo.config.recompile_limit > 0)
compiled = torch.compile(lambda x: x + keras.random.normal((3,), seed=7), backend="eager")
print((compiled(torch.zeros(3)).numpy() == a).all(), (compiled(torch.zeros(3)).numpy() == a).all())
"""
    assert run_python(code, tmp_path).splitlines() == [
        "torch []",
        "False",
        "torch.Size([1, 2, 2, 1])",
        "torch.Size([1, 4, 4, 1])",
        "False",
        "True True",
        "True True",
    ]


def test_the_stand_in_turns_into_the_real_module_and_slow_imports_stay_whole(
    tmp_path: Path,
) -> None:
    code = """
import sys, torch
from firstlight.models.backend import _without_dynamo, import_keras
with _without_dynamo(True):
    import torch._dynamo as stand_in
    print(type(stand_in).__name__, stand_in.config.recompile_limit > 0)
    print(sys.modules["torch._dynamo"] is stand_in)
print(sys.modules["torch._dynamo"] is torch._dynamo)
keras = import_keras()
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile(loss="mean_squared_error")
print(keras.wrappers.SKLearnRegressor(model).get_params()["model"] is model)
"""
    lines = ["_DynamoStandIn True", "False", "True", "True"]
    assert run_python(code, tmp_path).splitlines() == lines


def test_the_package_imports_neither_keras_nor_torch(tmp_path: Path) -> None:
    code = (
        "import sys, firstlight.models; print([m for m in ('keras', 'torch') if m in sys.modules])"
    )
    assert run_python(code, tmp_path) == "[]"
