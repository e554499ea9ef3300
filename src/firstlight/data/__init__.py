"""From files to images and targets: reading, splitting, a first look.

Whatever a user calls DATA (a built-in name, folders of pictures, a table, arrays, IDX files)
becomes a `Collection` and then a `Dataset` with three parts. Files are not trusted: a bad one
is listed with its reason and left out.
"""

from firstlight.data.builtin import BUILTINS
from firstlight.data.equal import image_digests
from firstlight.data.explore import explore_dataset
from firstlight.data.fit import fit_all, size_note
from firstlight.data.gaps import FILLED
from firstlight.data.incoming import read_images
from firstlight.data.options import refuse_report_by
from firstlight.data.pickled_frames import arrays_in_pickle
from firstlight.data.simulated import kept_maps, simulate_maps
from firstlight.data.source import found, load_dataset, read_collection
from firstlight.data.split import split_collection
from firstlight.data.stack import AS_IN_TRAINING

__all__ = [
    "AS_IN_TRAINING",
    "BUILTINS",
    "FILLED",
    "arrays_in_pickle",
    "explore_dataset",
    "fit_all",
    "found",
    "image_digests",
    "kept_maps",
    "load_dataset",
    "read_collection",
    "read_images",
    "refuse_report_by",
    "simulate_maps",
    "size_note",
    "split_collection",
]
