"""From a telescope's file to answers: what was done to the images in training is done again."""

import numpy as np
import pytest
from astropy.io import fits

import firstlight as fl


@pytest.fixture
def cube(tmp_path):
    """Thirty maps of two channels, channels in front, one of them with a bad pixel."""
    random = np.random.default_rng(0)
    level = random.uniform(1, 3, 30)
    maps = random.normal(level[:, None, None, None], 0.1, (30, 2, 6, 8)).astype("float32")
    maps[4, 1, 2, 3] = np.nan
    table = fits.BinTableHDU.from_columns([fits.Column("LEVEL", "D", unit="K", array=level)])
    parts = [
        fits.PrimaryHDU(),
        fits.ImageHDU(maps * 0, name="ERR"),
        fits.ImageHDU(maps, name="SCI"),
    ]
    fits.HDUList([*parts, table]).writeto(tmp_path / "cube.fits")
    return tmp_path / "cube.fits"


def test_predict_reads_as_training_did(cube, place, settings):
    reading = {"axes": "NCHW", "hdu": "SCI", "gaps": "mean"}
    how = settings | reading | {"model": str(place / "measuring.yaml"), "epochs": 1}
    run = fl.train(cube, runs=cube.parent / "runs", name="first", **how)
    assert any(
        "1 pixel without a number in 1 image" in note for note in fl.load(cube, **reading).notes
    )
    answers = fl.predict(run, cube)
    assert (answers.target_names, answers.target_units) == (("LEVEL",), ("K",))
    assert answers.names[29] == "cube.fits[29]"
    assert answers.refused == ()
    with fits.open(cube) as file:
        maps = file["SCI"].data.astype("float32")
    good = np.isfinite(maps[4, 1])
    maps[4, 1][~good] = maps[4, 1][good].mean(dtype="float64")
    expected = run.model.predict(maps.transpose(0, 2, 3, 1), verbose=0)
    np.testing.assert_allclose(answers.values, expected, rtol=1e-4)
    assert fl.evaluate(run).scores == run.report.scores
