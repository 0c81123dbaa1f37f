"""`docs/numpy.md` is what the tables say."""

from pathlib import Path

import tapec.surface  # noqa: F401  (fills the tables)
from tapec.surface.listing import numpy_page

PAGE = Path(__file__).parents[2] / "docs" / "numpy.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == numpy_page(), "run: python -m tapec.surface.listing > docs/numpy.md"


def test_aliases_and_methods_are_listed():
    page = numpy_page()
    for name in ("np.abs", "np.absolute", "np.acos", "np.linalg.norm", "np.add.reduce", "np.concat", "np.einsum"):
        assert f"`{name}`" in page
