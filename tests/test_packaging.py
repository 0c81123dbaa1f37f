"""A built wheel holds every module below `tapec`, as real files, and nothing beside it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory):
    # A copy of the sources: setuptools leaves `build/` and `*.egg-info` where it works.
    copy = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (copy / name).write_bytes((ROOT / name).read_bytes())
    for name in ("tapec", "passes", "runtime"):
        for path in sorted((ROOT / name).rglob("*")):
            target = copy / path.relative_to(ROOT)
            if path.is_symlink():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(path.readlink())
            elif path.is_file() and "__pycache__" not in path.parts:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    for name in ("bench", "tests", "docs"):
        (copy / name).mkdir()
        (copy / name / "extra.py").write_text("")
    out = tmp_path_factory.mktemp("wheel")
    build = "import sys, setuptools.build_meta as b; print(b.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(out)], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def sources(folder, prefix):
    return {f"{prefix}/{p.relative_to(folder).as_posix()}" for p in folder.rglob("*.py")}


def test_only_tapec_is_installed(wheel_names):
    tops = {name.split("/")[0] for name in wheel_names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"tapec"}


def test_every_module_is_in_the_wheel(wheel_names):
    expected = sources(ROOT / "passes", "tapec/passes") | sources(ROOT / "runtime", "tapec/runtime")
    expected |= {
        name for name in sources(ROOT / "tapec", "tapec") if not name.startswith(("tapec/passes", "tapec/runtime"))
    }
    assert {name for name in wheel_names if name.endswith(".py")} == expected


def test_the_type_marker_is_in_the_wheel(wheel_names):
    assert "tapec/py.typed" in wheel_names
