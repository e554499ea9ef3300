"""`firstlight explore --save`: the first look at a data set as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from firstlight.core.exploration import Exploration
from firstlight.draw.html import chart, facts, listed, page, paragraph, section, table

NORMALISE_OR_STANDARDISE = (
    "A network learns by many small steps, and one step length has to suit all of its weights. "
    "Pixels in the hundreds or thousands make the first layer's gradients just as large, and "
    "training stumbles. So pixels are brought to small numbers first. There are two ways, and "
    "neither changes what the image shows: both only move and stretch the scale, as the three "
    "histograms show.",
    "Normalising (--prepare rescale) divides by the largest possible value, so that pixels lie "
    "between 0 and 1. It needs to know nothing about the data; black stays 0. Use it where "
    "all images share one fixed scale and fill it: photographs, scans, digits, anything in 8 bit.",
    "Standardising (--prepare standardise) subtracts the mean and divides by the standard "
    "deviation, so that pixels have mean 0 and standard deviation 1. Use it where the scale has "
    "no natural end or is hardly filled: 16-bit microscopes that use a tenth of their range, "
    "telescope fluxes, temperatures with a sign. Normalised, a single very bright pixel would "
    "press all others together near 0; standardised, ordinary pixels keep differences of about 1.",
    "Mean and standard deviation are measured on the training images only. Validation and test "
    "images stand for images that do not exist yet: had they a part in these two numbers, the "
    "network would have been told something about its own exam. For the same reason nothing is "
    "measured anew on the images that come later: every image meets the same two numbers.",
    "What is done to the training images must be done to every other image. firstlight puts "
    "the preparation into the model as its first layer, so it cannot be forgotten or done twice: "
    "in evaluate, in predict and in the saved model. Hand over images as they are stored.",
)
ONE_HOT = (
    "A class number is a name, not an amount: 8 is not twice 4, and 3 is not between 2 and 4. So "
    "the network does not answer with a number but with one probability for each class. The true "
    "label is written the same way, as a row of zeros with a single 1 (one-hot), and the "
    "cross-entropy loss compares the two rows. Only the probability at the 1 counts in it: the "
    "loss is minus its logarithm, 0 where the network is sure and right.",
    "There is nothing to convert by hand: firstlight keeps labels as class numbers and takes the "
    "probability at that place, which is the same loss without the zeros.",
)


def exploration_page(exploration: Exploration, figures: Mapping[str, bytes]) -> str:
    """The first look at a data set as one HTML file that loads nothing.

    Args:
        exploration: the data set in numbers.
        figures: `exploration_figures` as PNG files (`to_pngs`).

    Returns:
        The page; every text in it is escaped.

    Example:
        >>> from firstlight.data import explore_dataset, load_dataset
        >>> from firstlight.draw import exploration_figures, to_pngs
        >>> digits = load_dataset("mnist")
        >>> look = explore_dataset(digits)
        >>> page = exploration_page(look, to_pngs(exploration_figures(look, digits)))
        >>> "70,000 images in 10 classes. 28 × 28 pixels" in page
        True
    """
    name = exploration.name
    count = sum(part.count for part in exploration.parts)
    height, width, channels = exploration.parts[0].shape[1:]
    kind = f"in {len(exploration.classes)} classes"
    if exploration.task == "measure":
        kind = "with values of " + ", ".join(exploration.target_names)
    measured = exploration.parts[0].dtype.startswith("float")
    grey = "one channel" if measured else "one channel (grey)"
    colour = {1: grey, 3: "three channels (colour)"}
    words = f"{height} × {width} pixels, {colour.get(channels, f'{channels} channels')}"
    body = [
        f'<header><p class="over">firstlight explore</p><h1>{escape(name)}</h1>'
        + paragraph(f"{count:,} images {kind}. {words}.", "result")
        + "</header>",
        section("In numbers", _parts(exploration), paragraph(exploration.split_rule)),
        section("Samples", chart(figures["sample"], f"Training images of {name}.", "picture")),
        section("Balance", *_balance(exploration, figures["balance"])),
        _columns(exploration, figures),
        section(
            "Pixels: normalise or standardise?",
            chart(
                figures["pixels"],
                "Histograms of the training pixels as stored, normalised and standardised.",
            ),
            *map(paragraph, NORMALISE_OR_STANDARDISE),
        ),
        _one_hot(figures),
        section("Duplicates", *_duplicates(exploration)),
        section("Files", *_files(exploration)),
        section("Notes", listed(exploration.notes)),
    ]
    return page(f"{name}: firstlight explore", "\n".join(part for part in body if part))


def _columns(exploration: Exploration, figures: Mapping[str, bytes]) -> str:
    """The target for each value of another number, where that takes few."""
    if "columns" not in figures:
        return ""
    target = exploration.target_names[0]
    explained = (
        f"Where {target} is spread otherwise for another value, a network can guess it from "
        "that alone: balance the images, or look at the errors for each value."
    )
    picture = chart(figures["columns"], f"Histograms of {target} for each value of other numbers.")
    return section("Other numbers of the images", picture, paragraph(explained))


def _parts(exploration: Exploration) -> str:
    heads = ("part", "images", "shape", "type", "minimum", "maximum", "mean", "standard deviation")
    rows = [
        (
            part.part,
            f"{part.count:,}",
            " × ".join(map(str, part.shape)),
            part.dtype,
            *_numbers(part.minimum, part.maximum, part.mean, part.std),
        )
        for part in exploration.parts
    ]
    unit = f", in {exploration.pixel_unit}" if exploration.pixel_unit else ""
    groups = [
        f"{part.part.capitalize()}: {part.count:,} images in {part.groups.in_words()}."
        for part in exploration.parts
        if part.groups is not None
    ]
    return table(heads, rows, f"Pixels of each part, as stored{unit}") + listed(groups)


def _numbers(*values: float) -> list[str]:
    return [f"{value:.4g}" for value in values]


def _balance(exploration: Exploration, png: bytes) -> list[str]:
    names = [part.part for part in exploration.parts]
    if exploration.task == "measure":
        rows = [
            (
                f"{t.name}, {part.part}",
                t.unit or "–",
                *_numbers(t.minimum, t.maximum, t.mean, t.std),
            )
            for part in exploration.parts
            for t in part.targets
        ]
        heads = ("target", "unit", "minimum", "maximum", "mean", "standard deviation")
        histograms = chart(png, "Histograms of the targets.")
        return [histograms, table(heads, rows, "Targets", words=2)]
    counts = zip(*(part.class_counts for part in exploration.parts), strict=True)
    counted = [
        (name, *(f"{count:,}" for count in row), f"{sum(row):,}")
        for name, row in zip(exploration.classes, counts, strict=True)
    ]
    parts = [chart(png, "Images of each class in each part.")]
    if exploration.balance is not None:
        words = f"The largest class has {exploration.balance:.2f} images for one of the smallest."
        parts.append(paragraph(words))
    return [*parts, table(("class", *names, "all"), counted, "Images of each class")]


def _one_hot(figures: Mapping[str, bytes]) -> str:
    if "one-hot" not in figures:
        return ""
    picture = chart(figures["one-hot"], "Labels and the one-hot row of each.")
    return section("Labels as one-hot rows", picture, *map(paragraph, ONE_HOT))


def _duplicates(exploration: Exploration) -> list[str]:
    found = exploration.duplicates
    if not any((*found.within.values(), *found.across.values())):
        return [paragraph("No image is there twice.")]
    explained = (
        "A test image that the network has trained on is no test. Images in two parts make the "
        "result look better than it is."
    )
    within = {f"within {part}": count for part, count in found.within.items()}
    across = {f"in {pair.replace('/', ' and ')}": count for pair, count in found.across.items()}
    groups = ["; ".join(group) for group in found.groups]
    return [
        paragraph(explained) if any(found.across.values()) else "",
        facts(within | across, ("where", "equal images"), "Images equal byte for byte"),
        listed(groups),
    ]


def _files(exploration: Exploration) -> list[str]:
    sizes = ", ".join(
        f"{count:,} of {height} × {width}" for (height, width), count in exploration.sizes[:8]
    )
    more = len(exploration.sizes) - 8
    read = exploration.files_read
    words = f"{read:,} file{' was' if read == 1 else 's were'} read, "
    words += f"{len(exploration.refused):,} refused. "
    words += f"Images as they came: {sizes}{f' and {more} more sizes' if more > 0 else ''}."
    refused = [(item.file, item.reason) for item in exploration.refused]
    return [
        paragraph(words),
        table(("file", "reason"), refused, "Refused files", words=2) if refused else "",
        paragraph(f"Fingerprint {exploration.fingerprint}", "quiet"),
    ]
