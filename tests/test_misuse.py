"""What the guide warns of: each misuse is an error that says what to do, or a warning beside the None that comes."""

import re
from pathlib import Path

import numpy as np
import pytest

import tapec as tp
import tapec.compat.tensorflow as tf
from tapec.errors import ConsumedTapeError, DisconnectedGradientWarning, NotDifferentiableError, RegistrationError

EITHER = pytest.mark.parametrize("library", [tp, tf], ids=["tapec", "compat"])


def line_of(text):
    """Where this file says `text`, as messages name it."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return f"{re.escape(__file__)}:{next(i for i, line in enumerate(lines, 1) if line.strip() == text)}"


@EITHER
@pytest.mark.parametrize("again", ["gradient", "jacobian"])
def test_a_second_gradient_of_a_tape_that_is_not_persistent(library, again):
    x = library.Variable(3.0)
    with library.GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x).item() == 6.0
    with pytest.raises(ConsumedTapeError, match=r"compute one set .*; make it with .*persistent=True") as caught:
        getattr(tape, again)(y, x)
    assert isinstance(caught.value, RuntimeError)


@EITHER
@pytest.mark.parametrize("value", ["a string", 3.0, np.ones(2), None, ["a", "b"]], ids=str)
def test_watching_what_is_no_tensor(library, value):
    message = r"Passed in object .* of type '\w+'.* tp\.constant"
    with library.GradientTape() as tape, pytest.raises(ValueError, match=message):
        tape.watch(value)


@EITHER
def test_integers(library):
    x = library.constant(10)
    name = x.dtype.name
    with library.GradientTape() as tape:
        with pytest.warns(UserWarning, match=f"dtype of the watched tensor must be floating .* got {name}"):
            tape.watch(x)
        y = x * x
    message = f"dtype of the (target|source) tensor must be floating .* got {name}"
    with pytest.warns(UserWarning, match=message) as warned:
        assert tape.gradient(y, x) is None
    assert [str(w.message).split()[4] for w in warned] == ["target", "source"]
    assert {w.filename for w in warned} == {__file__}


@EITHER
def test_integer_targets_of_floating_sources(library):
    x = library.Variable(2.5)
    with library.GradientTape() as tape:
        y = (x * x).astype(np.int32)
    with pytest.warns(UserWarning, match="dtype of the target tensor must be floating"):
        assert tape.gradient(y, x) is None


@EITHER
@pytest.mark.parametrize("declare", ["RegisterGradient", "no_gradient"])
def test_registering_for_an_op_that_is_not_there(library, declare):
    with pytest.raises(RegistrationError, match=r"there is no op 'adjust_contrst'; did you mean 'adjust_contrast'\?"):
        getattr(library, declare)("adjust_contrst")


@EITHER
def test_an_op_without_a_gradient(library):
    image, delta = library.Variable([[[0.5, 0.0, 0.0]]]), library.Variable(0.1)
    with library.GradientTape() as tape:
        new = library.image.adjust_contrast(image, delta)
    where = line_of("new = library.image.adjust_contrast(image, delta)")
    with pytest.raises(NotDifferentiableError, match=rf"'adjust_contrast' at {where} has no derivative rule"):
        tape.gradient(new, [image, delta])


def test_a_target_of_another_tape():
    x = tp.Variable(3.0)
    with tp.GradientTape() as first:
        y = x * x
    with tp.GradientTape() as second:
        _ = x * 2.0
    with pytest.warns(DisconnectedGradientWarning, match=r"y was computed before the tape recorded\. .* `with` block"):
        assert second.gradient(y, x) is None
    assert first.gradient(y, x).item() == 6.0


def test_a_tensor_in_the_place_of_a_variable():
    x = tp.Variable(3.0)
    x = x + 1.0
    with tp.GradientTape() as tape:
        y = x * x
    where = line_of("x = x + 1.0")
    with pytest.warns(DisconnectedGradientWarning, match=rf"{where}: `x = x \+ 1\.0` replaced the Variable.*assign"):
        assert tape.gradient(y, x) is None


def test_state():
    x, total = tp.Variable(3.0), tp.Variable(0.0, name="total")
    with tp.GradientTape() as tape:
        total.assign_add(x)
        y = total**2
    where = line_of("total.assign_add(x)")
    message = f"{where}: x goes into the Variable 'total:0' by an assignment"
    with pytest.warns(DisconnectedGradientWarning, match=message):
        assert tape.gradient(y, x) is None


def test_a_target_or_source_that_is_no_tensor():
    x = tp.Variable(3.0)
    with tp.GradientTape(persistent=True) as tape:
        y = x * x
    with pytest.raises(TypeError, match=r"Argument `sources` should be .* received 3\.0 of type float"):
        tape.gradient(y, 3.0)
    with pytest.raises(TypeError, match=r"Argument `target` .* received None of type NoneType"):
        tape.gradient(None, x)


def test_unknown_ways_to_be_unconnected():
    x = tp.Variable(3.0)
    with tp.GradientTape() as tape:
        y = x * x
    with pytest.raises(ValueError, match="Unknown value for unconnected_gradients: 'nonsense'; use 'none' or 'zero'"):
        tape.gradient(y, x, unconnected_gradients="nonsense")


def test_stopping_a_tape_that_does_not_record():
    with pytest.raises(RuntimeError, match="not recording"), tp.GradientTape().stop_recording():
        pass
    tape = tp.GradientTape()
    with tape, pytest.raises(ValueError, match="still recording"), tape:
        pass
