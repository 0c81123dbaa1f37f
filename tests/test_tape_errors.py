"""What a `GradientTape` refuses, and that errors leave nothing behind."""

import threading

import numpy as np
import pytest
from tape_values import constant, values

import tapec as tp
from tapec.dispatch import apply
from tapec.errors import (
    NotDifferentiableError,
    ShapeError,
    TapeThreadError,
)
from tapec.ir.primitive import Primitive
from tapec.ops import elementwise as ew
from tapec.recording import ACTIVE

pytestmark = pytest.mark.usefixtures("no_recorder_stays")


def test_reentering_an_active_tape():
    with tp.GradientTape() as tape, pytest.raises(ValueError, match="Tape is still recording"):
        tape.__enter__()


def test_watching_something_else_names_its_type():
    with tp.GradientTape() as tape:
        with pytest.raises(ValueError, match="ndarray"):
            tape.watch(np.ones(2))
        x = constant(1.0)
        with pytest.raises(ValueError, match="of type 'int'"):
            tape.watch([x, 3])
        y = x * x
    assert tape.gradient(y, x) is None  # nothing was watched by the call that failed


def test_targets_and_sources_of_other_types():
    x = tp.Variable(1.0)
    with tp.GradientTape() as tape:
        y = x * x
    with pytest.raises(TypeError, match=r"`target` should be .* received None"):
        tape.gradient(None, x)
    with pytest.raises(TypeError, match=r"`sources` should be .* received 3.0"):
        tape.gradient(y, 3.0)
    assert values(tape.gradient(y, x)) == 2.0  # the tape is still good


@pytest.mark.cpu  # no device has a kernel for a primitive that a test makes up
def test_an_op_without_a_rule_is_a_lookup_error_that_names_it_and_the_line():
    primitive = Primitive("adjust_contrast", ew.ELEMENTWISE, 1, np.abs, "Not in the table.", operand_kinds="f")
    x = tp.Variable(1.0)
    with tp.GradientTape(persistent=True) as tape:
        y = apply(primitive, (x.value(),))
        z = x * x
    with pytest.raises(NotDifferentiableError, match=rf"'adjust_contrast' at {__file__}:\d+"):
        tape.gradient(y, x)
    with pytest.raises(LookupError):
        tape.gradient([y, z], x)
    assert values(tape.gradient(z, x)) == 2.0


def test_an_error_in_the_block_leaves_no_recorder():
    tape = tp.GradientTape()
    with pytest.raises(ZeroDivisionError), tape:
        _ = 1 // 0
    assert ACTIVE.recorders == []
    with tp.GradientTape() as tape:
        x = tp.Variable(np.ones(3))
        with pytest.raises(ShapeError), tape.stop_recording():
            x + np.ones(4)
        y = np.sum(x)
    assert values(tape.gradient(y, x)) == [1.0] * 3


def test_another_thread_may_not_use_the_tape():
    x = tp.Variable(2.0)
    with tp.GradientTape(persistent=True) as tape:
        y = x * x
    refused = []

    def elsewhere():
        for use in (lambda: tape.gradient(y, x), lambda: tape.watch(x), tape.reset, tape.__enter__):
            with pytest.raises(TapeThreadError, match="another thread"):
                use()
            refused.append(use)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(refused) == 4
    assert values(tape.gradient(y, x)) == 4.0


def test_tapes_of_several_threads_do_not_meet():
    x = tp.Variable(np.arange(5.0))
    results = {}
    barrier = threading.Barrier(4)

    def work(n):
        barrier.wait()
        for _ in range(20):
            with tp.GradientTape() as tape:
                y = x
                for _ in range(n):
                    y = y * x
                y = np.sum(y)
            results.setdefault(n, []).append(values(tape.gradient(y, x)))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(1, 5):
        expected = [(n + 1) * k**n for k in range(5)]
        np.testing.assert_allclose(results[n], [expected] * 20)
