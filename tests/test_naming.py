"""Names of Variables and layers."""

import threading

import pytest

from tapec.naming import name_scope, reset_names, scoped, snake_case, unique_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Dense", "dense"), ("LayerNorm", "layer_norm"), ("Conv2D", "conv2d"), ("MaxPool2D", "max_pool2d"),
     ("HTTPServer", "http_server"), ("A", "a"), ("MyMLP", "my_mlp")],
)  # fmt: skip
def test_snake_case(name, expected):
    assert snake_case(name) == expected


def test_unique_names_and_reset():
    reset_names()
    assert [unique_name("stem") for _ in range(3)] == ["stem", "stem_1", "stem_2"]
    assert unique_name("other") == "other"
    reset_names()
    assert unique_name("stem") == "stem"


def test_scopes_nest_and_close_after_errors():
    def fail():
        with name_scope("a"), name_scope("b"):
            assert scoped("x") == "a/b/x"
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert scoped("x") == "x"


def test_scopes_belong_to_their_thread():
    found = []
    with name_scope("mine"):
        thread = threading.Thread(target=lambda: found.append(scoped("x")))
        thread.start()
        thread.join()
    assert found == ["x"]
