"""The environments that the benchmarks need, each made once, in a folder of its own.

python benchmarks/environments.py [--environments FOLDER]    make those that are missing
"""

import argparse
import os
import re
import subprocess
import tomllib
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "firstlight-benchmarks"


def dependencies() -> list[str]:
    """What firstlight itself needs, as pyproject.toml says it; torch's one version among it."""
    text = (REPOSITORY / "pyproject.toml").read_text()
    return list(tomllib.loads(text)["project"]["dependencies"])


def torch_version() -> str:
    """The one version of torch that everybody gets."""
    return next(each for each in dependencies() if re.match(r"torch\b", each))


def requirements() -> dict[str, list[str]]:
    """What is installed into each environment.

    Those with a Keras backend also get what firstlight needs, so that `firstlight.fit` runs there.
    fastai asks for torchvision, which pip installs; it is never imported, since only
    `fastai.vision` does that.
    """
    return {
        "tensorflow": ["tensorflow-cpu>=2.21,<3", *dependencies()],
        "jax": ["jax>=0.7,<1", *dependencies()],
        "torch": dependencies(),
        "lightning": ["lightning>=2.6,<3", torch_version()],
        "fastai": ["fastai>=2.8,<3", torch_version()],
    }


def python_of(name: str, environments: Path) -> str:
    """The Python of the environment `name`, which is made, or completed, on the first call."""
    folder = environments / name
    python, complete = folder / "bin" / "python", folder / "complete"
    wanted = "\n".join(requirements()[name])
    if not complete.exists() or complete.read_text() != wanted:
        print(f"Making the environment {folder} (once).", flush=True)
        if not python.exists():
            venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *wanted.splitlines()]
        subprocess.run(install, check=True)
        complete.write_text(wanted)
    return str(python)


def add_option(parser: argparse.ArgumentParser) -> None:
    """The option that says where the environments are."""
    parser.add_argument("--environments", type=Path, default=CACHE, help="where they are kept")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the environments of the benchmarks.")
    add_option(parser)
    folder = parser.parse_args().environments
    for name in requirements():
        print(python_of(name, folder))
