"""`tapec bench --device`: who takes part, what is refused, and tapec on an emulated GPU beside others on the CPU."""

import pytest

from bench import command, options
from bench.peers.table import PEERS, place_of
from bench.process import environment
from bench.results import Run
from tapec.errors import DeviceNotFoundError


@pytest.fixture
def no_gpu(monkeypatch):
    def device(name):
        raise DeviceNotFoundError(f"no {name} here")

    monkeypatch.setattr(options.tapec, "device", device)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--device", "cuda"], "no cuda here"),
        (["--device", "cuda", "--peers", "tapec,autograd"], "autograd can't compute on cuda"),
        (["--device", "cuda", "--write"], "--write puts times of the CPU"),
        (["--device", "cuda", "--sweep"], "--sweep tries numbers of threads"),
        (["--device", "emulated"], "times nothing: it wants --quick"),
    ],
)
def test_what_cannot_be_done_on_a_device_is_said(given, said, no_gpu, capsys):
    assert command.main(given) == 2
    assert said in capsys.readouterr().err


def test_who_takes_part():
    assert {name for name in PEERS if place_of(PEERS[name], "cuda")} == {"tapec", "jax", "torch", "torch.compile"}
    assert {place_of(kind, "cpu") for kind in PEERS.values()} == {"cpu"}
    assert {name: place_of(PEERS[name], "emulated") for name in ("tapec", "jax")} == {"tapec": "emulated", "jax": "cpu"}


def test_only_a_run_on_a_gpu_sees_it(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    for device, (visible, platforms) in {"cpu": ("", "cpu"), "emulated": ("", "cpu"), "cuda": ("3", "cuda")}.items():
        there = environment(1, tmp_path, device)
        assert (there["CUDA_VISIBLE_DEVICES"], there["JAX_PLATFORMS"]) == (visible, platforms)


def test_an_emulated_gpu_gives_the_answers_of_the_cpu(tmp_path, capsys):
    given = ["--quick", "--device", "emulated", "--peers", "tapec,limit", "--workloads", "rosenbrock,stream_sum"]
    assert command.main([*given, "--out", str(tmp_path)]) == 0
    run = Run.load(tmp_path / "results.json")
    assert {(r.peer, r.status) for r in run.results} == {("tapec", "ok"), ("limit", "ok")}
    assert run.machine["device"] == run.options["device"] == "emulated"
    assert "\nemulated, " in capsys.readouterr().out
