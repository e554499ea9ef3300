"""Options of the test suite."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--campaign", action="store_true", help="run the whole kill campaign, not a few of each"
    )
    parser.addoption(
        "--campaign-page", metavar="FILE", help="write the campaign's counts into this page"
    )
