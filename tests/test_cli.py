import importlib.util
import os
import subprocess
import sys

import pytest

import tapec
from tapec import cli


def test_missing_packages_are_named(monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr(cli, "find_spec", lambda name: None if name in {"sklearn", "rich"} else found(name))
    assert cli.main(["demo"]) == 2
    assert capsys.readouterr().err == "tapec demo needs scikit-learn, rich: run pip install 'tapec[demo]'\n"


def test_a_folder_that_is_not_there_is_said_before_training(tmp_path, capsys):
    assert cli.main(["demo", "--picture", str(tmp_path / "no" / "demo.png")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_a_format_that_cannot_be_saved_is_said_before_training(tmp_path, capsys):
    assert cli.main(["demo", "--picture", str(tmp_path / "demo.xyz")]) == 2
    assert "--picture" in capsys.readouterr().err


def test_the_demo_compiles_anew_unless_told_otherwise(tmp_path):
    code = (
        "import os, sys, tapec.demo.main as m; from tapec import cli\n"
        "m.run = lambda *a, **k: print(os.environ['TAPEC_CACHE'])\n"
        "sys.exit(cli.main(['demo', '--picture', sys.argv[1]]))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TAPEC_CACHE"}
    for given, used in (({}, "0"), ({"TAPEC_CACHE": "1"}, "1")):
        command = [sys.executable, "-c", code, str(tmp_path / "demo.png")]
        done = subprocess.run(command, env=environment | given, capture_output=True, text=True, check=True)
        assert done.stdout == f"{used}\n"


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["demo", "--seed", "x"]])
def test_bad_usage_shows_how(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert "usage: tapec" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"tapec {tapec.__version__}\n"


def test_bench_says_that_it_needs_a_clone(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(cli, "_CLONE", tmp_path)
    assert cli.main(["bench", "--quick"]) == 2
    assert "runs from a clone of the repository" in capsys.readouterr().err


def test_bench_names_missing_packages(monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr(cli, "find_spec", lambda name: None if name == "matplotlib" else found(name))
    assert cli.main(["bench"]) == 2
    assert capsys.readouterr().err == "tapec bench needs matplotlib: run pip install -e '.[bench]'\n"


def test_bench_takes_its_own_options(capsys):
    assert cli.main(["bench", "--list"]) == 0
    assert "rosenbrock" in capsys.readouterr().out
