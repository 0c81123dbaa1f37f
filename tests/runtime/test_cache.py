"""The disk cache: what a hit skips, what counts as absent, who may write, many processes, the bound, the switch."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from graph_making import graph_of

from tapec import cli, errors, ir
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import apply
from tapec.runtime import cache, cache_directory, cache_entry, driver, jit, object_cache, pipeline, recipes, sources

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the cache needs file owners")

ADD = "define double @add(double %x, double %y) {\n  %r = fadd double %x, %y\n  ret double %r\n}\n"
F2 = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_double)
KEY = cache_entry.key_of("a key")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TAPEC_CACHE_DIR", str(folder))
    monkeypatch.setattr(cache._Room, "left", 0)
    monkeypatch.setattr(cache, "_warned", set())
    return folder


@pytest.fixture
def known_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """tapec's files do not change, whoever edits them while the tests run."""
    monkeypatch.setattr(sources, "fingerprint", lambda: b"the files")


def forbid(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError(f"{name} was called")

    monkeypatch.setattr(module, name, never)


def file_of(place: Path, key: bytes) -> Path:
    return place / f"{key.hex()}.tapec"


# Hits ----------------------------------------------------------------------------------------------------------------


def test_a_hit_skips_llvm(monkeypatch):
    first = jit.compile_module(ADD)
    assert not first.cached
    forbid(monkeypatch, jit, "compiled")
    second = jit.compile_module(ADD)
    assert second.cached
    assert second.symbols == ("add",)
    assert F2(second.address("add"))(1.0, 2.5) == 3.5
    assert "fadd double" in second.ir_text
    with pytest.raises(AssertionError, match="compiled was called"):
        jit.compile_module(ADD.replace("fadd", "fmul"))


@pytest.mark.parametrize("change", ["options", "target"])
def test_other_options_and_another_cpu_or_version_miss(change, monkeypatch):
    jit.compile_module(ADD)
    options = jit.Options()
    if change == "options":
        options = jit.Options(codegen_level=0)
    else:
        name = jit.target_name()
        assert "llvmlite-" in name
        monkeypatch.setattr(jit, "target_name", lambda: name + "x")
    assert not jit.compile_module(ADD, opt=options).cached


def test_declared_functions_are_found_again():
    text = (
        "declare double @fmod(double, double)\ndeclare double @mine(double)\n"
        "define double @add(double %x, double %y) {\n  %m = call double @fmod(double %x, double %y)\n"
        "  %r = call double @mine(double %m)\n  ret double %r\n}\n"
    )
    prototype = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)
    for factor in (10.0, 100.0):  # the address is another one each time, as in another process
        mine = prototype(lambda v, factor=factor: v * factor)
        address = ctypes.cast(mine, ctypes.c_void_p).value
        library = jit.compile_module(text, symbols={"mine": address})
        assert F2(library.address("add"))(5.5, 2.0) == 1.5 * factor
    assert library.cached
    with pytest.raises(errors.CompilationError, match="mine"):
        jit.compile_module(text)


@pytest.mark.usefixtures("known_sources")
def test_a_program_that_is_found_needs_no_pass(monkeypatch):
    def f(x):
        return apply(ew.exp, x) * 2.0

    x = np.arange(5.0)
    first = driver.compile_graph(graph_of(f, x))
    assert not first.library.cached
    made = pipeline.forms_of
    forbid(monkeypatch, pipeline, "forms_of")
    second = driver.compile_graph(graph_of(f, x))
    assert second.library.cached
    assert second.run([x])[1][0].tobytes() == first.run([x])[1][0].tobytes()
    assert (second.guards, second.release_gil) == (first.guards, first.release_gil)
    monkeypatch.setattr(pipeline, "forms_of", made)  # what is shown is made when somebody asks
    assert [s.text for s in second.stages()] == [s.text for s in first.stages()]
    assert second.kernel_count == first.kernel_count == 1


@pytest.mark.usefixtures("known_sources")
def test_another_state_of_tapecs_files_is_another_recipe(monkeypatch):
    written = []

    def write():
        written.append(True)
        return recipes.Written(ADD, b"facts")

    assert recipes.build(("add",), write).facts == b"facts"
    assert recipes.build(("add",), write).facts == b"facts"
    assert len(written) == 1
    monkeypatch.setattr(sources, "fingerprint", lambda: b"other files")
    assert recipes.build(("add",), write).library.cached  # the text turned out the same
    assert len(written) == 2
    monkeypatch.setattr(sources, "fingerprint", lambda: None)  # edited since this process began
    recipes.build(("add",), write)
    assert len(written) == 3


@pytest.mark.usefixtures("known_sources")
def test_a_recipe_whose_object_code_is_gone_is_made_anew(place):
    def write():
        return recipes.Written(ADD)

    key = recipes.build(("add",), write).library.key
    file_of(place, key).unlink()
    assert not recipes.build(("add",), write).library.cached
    assert file_of(place, key).exists()


def test_files_are_told_apart_by_path_size_and_time(tmp_path, monkeypatch):
    root = tmp_path / "tapec"
    for name in ("ir", "ops", "passes", "runtime", "passes/scalar", "passes/__pycache__"):
        (root / name).mkdir(parents=True)
    files = [root / "errors.py", root / "ir" / "__init__.py", root / "passes" / "scalar" / "exp.py"]
    for file in files:
        file.write_text("1")
        os.utime(file, (1e9, 1e9))
    monkeypatch.setattr(ir, "__file__", str(files[1]))
    look = sources.fingerprint.__wrapped__
    before = look()
    assert before == look()
    (root / "passes" / "__pycache__" / "exp.py").write_text("not a source")
    assert look() == before
    os.utime(files[2], (1e9, 1e9 + 5))
    assert look() not in (before, None)
    os.utime(files[2], (1e9, 1e9))
    assert look() == before
    files[2].write_text("changed after this process began")
    assert look() is None
    files[2].unlink()
    assert look() not in (before, None)
    files[0].unlink()
    assert look() is None


PROGRAM = """
import sys
import numpy as np
import tapec as tp
from tapec.runtime import jit

if sys.argv[1] == "warm":
    def never(*_):
        raise AssertionError("LLVM ran")
    jit.compiled = never

@tp.value_and_grad
def f(w, x):
    return np.sum(np.tanh(x @ w) ** 2) + np.exp(w)[1:].mean()

w, x = np.ones((70, 70)), np.ones((70, 70))
for _ in range(4):  # recorded, run, run through native entries
    value, gradient = f(w, x)
print(value, gradient.sum())
"""


def test_a_second_process_runs_without_llvm():
    """No text may hold an address, or depend on the order of a set: both are other ones in each process."""
    outs = [
        subprocess.run([sys.executable, "-c", PROGRAM, way], check=True, capture_output=True, text=True).stdout
        for way in ("cold", "warm")
    ]
    assert outs[0] == outs[1] != ""


# What counts as absent ------------------------------------------------------------------------------------------------

DAMAGE = {
    "truncated": lambda data: data[:-1],
    "header only": lambda data: data[: cache_entry.HEADER_SIZE],
    "cut in the header": lambda data: data[:20],
    "empty": lambda _: b"",
    "one bit of the payload": lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:],
    "one bit of the digest": lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
    "longer": lambda data: data + b"x",
    "another magic": lambda data: b"X" + data[1:],
    "another format": lambda data: data[:12] + bytes([data[12] + 1]) + data[13:],
    "the entry of another key": lambda _: cache_entry.packed(cache_entry.key_of("other"), b"payload"),
    "a pickle": lambda data: b"\x80\x04\x95" + data,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_silently_made_anew(damage, place):
    first = jit.compile_module(ADD)
    file = file_of(place, first.key)
    whole = file.read_bytes()
    file.write_bytes(DAMAGE[damage](whole))
    again = jit.compile_module(ADD)
    assert not again.cached
    assert F2(again.address("add"))(1.0, 2.0) == 3.0
    assert file.read_bytes() == whole
    assert jit.compile_module(ADD).cached


@pytest.mark.parametrize("kind", ["link", "pipe", "group may write", "others may write"])
def test_an_entry_that_somebody_else_may_have_put_there_is_replaced(kind, place, tmp_path):
    cache.write(KEY, b"payload")
    assert cache.read(KEY) == b"payload"
    file = file_of(place, KEY)
    if kind == "link":
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        file.unlink()
        os.mkfifo(file)
    else:
        file.chmod(0o620 if kind == "group may write" else 0o602)
    assert cache.read(KEY) is None
    cache.write(KEY, b"payload")
    assert cache.read(KEY) == b"payload"
    assert file.is_file()
    assert not file.is_symlink()


# Trust ----------------------------------------------------------------------------------------------------------------


def test_what_it_makes_is_for_this_user_alone(place):
    old = os.umask(0)
    try:
        cache.write(KEY, b"payload")
    finally:
        os.umask(old)
    assert place.stat().st_mode & 0o777 == 0o700
    assert file_of(place, KEY).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_folder_that_others_may_write_to_is_refused_with_one_warning(mode, place):
    cache.write(KEY, b"payload")
    place.chmod(mode)

    def use() -> None:
        assert cache.read(KEY) is None
        cache.write(KEY, b"other")
        assert not jit.compile_module(ADD).cached

    with pytest.warns(errors.CacheWarning, match="may be written to by other users") as caught:
        use()
    assert len(caught) == 1
    place.chmod(0o700)
    assert cache.read(KEY) == b"payload"
    assert [f.name for f in place.iterdir()] == [file_of(place, KEY).name]


def test_a_folder_of_another_user_is_refused(place, monkeypatch):
    cache.write(KEY, b"payload")
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    with pytest.warns(errors.CacheWarning, match="belongs to another user"):
        assert cache.read(KEY) is None


def test_a_folder_that_cannot_be_made_is_said(place):
    place.write_text("a file")
    with pytest.warns(errors.CacheWarning, match="works without its disk cache"):
        assert cache.read(KEY) is None
    with pytest.warns(errors.CacheWarning, match="File exists"):
        cache.write(KEY, b"payload")
    library = jit.compile_module(ADD)  # without another warning, which would be an error here
    assert F2(library.address("add"))(1.0, 2.0) == 3.0


def test_where_it_is(monkeypatch, tmp_path):
    assert cache_directory.path() == tmp_path / "cache"
    monkeypatch.delenv("TAPEC_CACHE_DIR")
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert cache_directory.path() == Path("/elsewhere/tapec")
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert cache_directory.path() == Path("/home/someone/.cache/tapec")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_directory.path() == Path("/home/someone/.cache/tapec")


# Deleting, bounds, switch ---------------------------------------------------------------------------------------------


def test_it_may_be_deleted_at_any_time(place, monkeypatch):
    jit.compile_module(ADD)
    for file in place.iterdir():
        file.unlink()
    place.rmdir()
    assert not jit.compile_module(ADD).cached
    assert jit.compile_module(ADD).cached
    put = cache._put

    def deleted_meanwhile(name: str, data: bytes, folder: int) -> None:
        for file in place.iterdir():
            file.unlink()
        place.rmdir()
        put(name, data, folder)

    monkeypatch.setattr(cache, "_put", deleted_meanwhile)
    cache.write(KEY, b"payload")
    assert cache.read(KEY) is None


def test_a_write_that_fails_leaves_nothing(place, monkeypatch):
    cache.write(KEY, b"payload")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(errors.CacheWarning, match="No space left"):
        cache.write(cache_entry.key_of("another"), b"payload")
    assert [f.name for f in place.iterdir()] == [file_of(place, KEY).name]


def test_what_was_used_longest_ago_goes_first(place, monkeypatch):
    keys = [cache_entry.key_of(f"{i}") for i in range(20)]
    for i, key in enumerate(keys):
        cache.write(key, bytes(1000))
        os.utime(file_of(place, key), (1e9 + i, 1e9 + i))
    assert cache.read(keys[0]) is not None  # used now
    size = file_of(place, keys[0]).stat().st_size
    monkeypatch.setenv("TAPEC_CACHE_SIZE", str(10 * size))
    monkeypatch.setattr(cache._Room, "left", 0)
    cache.write(KEY, bytes(1000))
    left = {file.name for file in place.iterdir()}
    # 21 entries; what is left takes at most 15/16 of the limit.
    assert left == {file_of(place, key).name for key in (KEY, keys[0], *keys[13:])}


def test_it_stays_below_its_bound(place, monkeypatch):
    monkeypatch.setenv("TAPEC_CACHE_SIZE", "20K")
    for i in range(300):
        cache.write(cache_entry.key_of(f"{i}"), bytes(400))
        assert cache.usage().size <= 20 << 10
    assert cache.usage().entries > 20
    cache.write(KEY, bytes(21 << 10))
    assert cache.read(KEY) is None


def test_parts_that_were_left_behind_go(place):
    cache.write(KEY, b"payload")
    old, new = (place / f"{KEY.hex()}.{i * 16}.tapec-part" for i in "ab")
    other = place / "notes.txt"
    for file in (old, new, other):
        file.write_text("x")
    os.utime(old, (1e9, 1e9))
    os.utime(other, (1e9, 1e9))
    with cache_directory.opened(create=False) as folder:
        cache._evict(folder, 1 << 20)
    assert not old.exists()
    assert new.exists()
    assert other.exists()


@pytest.mark.parametrize(
    ("text", "limit"), [("1000", 1000), ("3k", 3 << 10), ("2M", 2 << 20), ("1G", 1 << 30), ("", 256 << 20)]
)
def test_sizes(text, limit, monkeypatch):
    monkeypatch.setenv("TAPEC_CACHE_SIZE", text)
    assert cache.usage().limit == limit


def test_a_size_that_is_none_is_said(monkeypatch):
    monkeypatch.setenv("TAPEC_CACHE_SIZE", "many")
    with pytest.warns(errors.CacheWarning, match="'many'"):
        assert cache.usage().limit == 256 << 20


def test_switched_off_it_neither_reads_nor_writes(place, monkeypatch):
    jit.compile_module(ADD)
    before = {f.name: f.stat().st_mtime_ns for f in place.iterdir()}
    monkeypatch.setenv("TAPEC_CACHE", "0")
    assert not jit.compile_module(ADD).cached
    jit.compile_module(ADD.replace("fadd", "fmul"))
    assert {f.name: f.stat().st_mtime_ns for f in place.iterdir()} == before


# Many processes -------------------------------------------------------------------------------------------------------

RACER = """
import sys
from tapec.runtime import cache, jit
from tapec.runtime.cache_entry import key_of
print("ready", flush=True)
sys.stdin.read()
keys = [key_of(f"{i}") for i in range(40)]
for round in range(5):
    for i, key in enumerate(keys):
        payload = bytes([i]) * 2000
        assert cache.read(key) in (None, payload), (round, i)
        cache.write(key, payload)
    if round == int(sys.argv[1]) % 5:
        cache.clear()
library = jit.compile_module(sys.argv[2])
assert library.symbols == ("add",)
"""


def test_sixteen_processes_at_once(place, monkeypatch):
    monkeypatch.setenv("TAPEC_CACHE_SIZE", "50K")
    racers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", RACER, str(i), ADD],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for i in range(16)
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdout.readline() == "ready\n", racer.stderr.read()
    for racer in racers:
        racer.stdin.close()
        racer.stdin = None
    for racer in racers:
        _, trouble = racer.communicate(timeout=120)
        assert (racer.returncode, trouble) == (0, "")
    assert all(cache._ENTRY.fullmatch(file.name) for file in place.iterdir())
    assert jit.compile_module(ADD).cached


# Command line ---------------------------------------------------------------------------------------------------------


def test_the_command_shows_and_clears(place, capsys, monkeypatch):
    assert cli.main(["cache"]) == 0
    assert "entries  0\n" in capsys.readouterr().out
    cache.write(KEY, b"payload")
    (place / "notes.txt").write_text("mine")
    assert cli.main(["cache"]) == 0
    size = cache_entry.HEADER_SIZE + len(b"payload")
    assert capsys.readouterr().out == f"place    {place}\nentries  1\nsize     {size} of 268,435,456 bytes\n"
    monkeypatch.setenv("TAPEC_CACHE", "0")
    assert cli.main(["cache", "--clear"]) == 0
    out = capsys.readouterr().out
    assert "entries  1 (deleted)" in out
    assert "TAPEC_CACHE is 0" in out
    assert [f.name for f in place.iterdir()] == ["notes.txt"]
    place.chmod(0o777)
    assert cli.main(["cache"]) == 2
    assert "may be written to by other users" in capsys.readouterr().err


def test_object_code_goes_through_unchanged():
    found = object_cache.ObjectCode(("a", "b"), (), b"\n1\n 2\x00")
    object_cache.write(KEY, found)
    assert object_cache.read(KEY) == found


def test_a_gradient_from_the_cache_imports_no_code_generation():
    code = (
        "import sys, numpy as np, tapec as tp\n"
        "tp.value_and_grad(lambda w, x: np.mean(np.logaddexp(0.0, x @ w)))(np.ones(4), np.ones((7, 4)))\n"
        "print(*sys.modules)"
    )
    first, second = (
        set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
        for _ in range(2)
    )
    generation = {"tapec.runtime.pipeline", "tapec.passes.lower", "tapec.passes.scalar.table"}
    assert generation <= first
    assert generation.isdisjoint(second)
