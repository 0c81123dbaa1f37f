import numpy as np
from matplotlib.image import imread

from tapec.demo.data import split
from tapec.demo.picture import draw


def shown(path, wrong):
    held_out = split(0)[1]
    predicted = held_out.labels.copy()
    predicted[:wrong] = (predicted[:wrong] + 1) % 10
    draw(path, losses=list(np.geomspace(2, 0.01, 12)), accuracies=[0.9, 0.95, 0.98], held_out=held_out,
         predicted=predicted, seed=0)  # fmt: skip
    pixels = imread(path)[:, :, :3]
    return int(np.sum(np.all(np.abs(pixels - np.array([0xC5, 0x30, 0x30]) / 255) < 0.02, axis=2)))


def test_wrong_ones_are_marked_in_red(tmp_path):
    none, three, many = (shown(tmp_path / f"{n}.png", n) for n in (0, 3, 60))
    assert none == 0
    assert three > 500
    assert many > 10 * three
