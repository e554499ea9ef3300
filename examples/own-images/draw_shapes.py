"""Write small pictures of discs, squares and triangles into shapes/disc, shapes/square, ..."""

from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 28
IMAGES = 240

random = np.random.default_rng(0)
rows, columns = np.mgrid[:SIZE, :SIZE]

for number in range(IMAGES):
    kind = ("disc", "square", "triangle")[number % 3]
    radius = random.uniform(5, 9)
    down, across = rows - random.uniform(10, 18), columns - random.uniform(10, 18)
    if kind == "disc":
        inside = np.hypot(down, across) < radius
    elif kind == "square":
        inside = np.maximum(abs(down), abs(across)) < 0.9 * radius
    else:
        inside = (abs(across) < (down + radius) / 2) & (down < radius)

    pixels = np.where(inside, 210, 40) + random.normal(0, 15, size=inside.shape)
    folder = Path("shapes") / kind
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number:03d}.png")
