"""The models room: recipes, lists of layers, what each layer costs, the shape doctor, model files.

A model here *is* a Keras 3 model. The room builds one from a recipe's name, a Python file, a
YAML list of layers or a `.keras` file, walks it layer by layer, says what is wrong with it and
how to mend it, puts the preparation of the images in front, and saves and loads it safely.
Keras is imported when the first function that needs it runs, not before.
"""

from __future__ import annotations

from firstlight.core.on_demand import on_demand

_HOMES = {
    "answer_in_units": "preparation",
    "apply_fix": "doctor",
    "build_layers": "layers",
    "build_model": "building",
    "CATALOGUE": "catalogue",
    "check_layers": "doctor",
    "check_model": "doctor",
    "classes_of_file": "user_files",
    "default_preparation": "preparation",
    "describe_models": "building",
    "find_snapshots": "snapshots",
    "fitting_loss": "answer_rules",
    "for_size": "other_size",
    "hurry": "backend",
    "import_keras": "backend",
    "keeps_snapshot": "snapshots",
    "keras_code": "plain_keras",
    "layers_of": "layers",
    "load_model": "archive",
    "NetworkDocument": "network_document",
    "prepare_model": "preparation",
    "put_snapshot": "snapshots",
    "read_layers": "layer_files",
    "Recipe": "recipes",
    "RECIPES": "recipes",
    "resolve_settings": "resolving",
    "save_model": "archive",
    "save_snapshot": "snapshots",
    "view_network": "network_view",
    "walk": "cost",
    "walk_layers": "cost",
    "write_layers": "layer_files",
}

__all__ = [
    "CATALOGUE",
    "RECIPES",
    "NetworkDocument",
    "Recipe",
    "answer_in_units",
    "apply_fix",
    "build_layers",
    "build_model",
    "check_layers",
    "check_model",
    "classes_of_file",
    "default_preparation",
    "describe_models",
    "find_snapshots",
    "fitting_loss",
    "for_size",
    "hurry",
    "import_keras",
    "keeps_snapshot",
    "keras_code",
    "layers_of",
    "load_model",
    "prepare_model",
    "put_snapshot",
    "read_layers",
    "resolve_settings",
    "save_model",
    "save_snapshot",
    "view_network",
    "walk",
    "walk_layers",
    "write_layers",
]

__getattr__, __dir__ = on_demand(__name__, _HOMES)
