"""Simulated skies: maps of hydrogen in the early universe, to learn to measure on.

The physics is semi-numerical: Gaussian fields moved by gravity, galaxies by excursion sets, bubbles
of ionised gas around them. Lengths are in comoving Mpc, temperatures of the sky in mK.
"""

from firstlight.simulation.boxes import Universe
from firstlight.simulation.making import RECORD, Record, make_maps, read_record

__all__ = ["RECORD", "Record", "Universe", "make_maps", "read_record"]
