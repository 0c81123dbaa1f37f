"""Programs of tensors that run on any device."""

import numpy as np

import tapec as tp

RNG = np.random.default_rng(5)
X = RNG.normal(size=(5, 7))
Y = RNG.normal(size=(7, 3)).astype(np.float32)
SQUARE = X[:, :5] @ X[:, :5].T + np.eye(5)


def functions():
    return {
        "elementwise": lambda x: np.exp(np.sin(x)) / (1.0 + x * x),
        "reductions": lambda x: (np.sum(x, 0), np.mean(x), np.max(x, 1), np.var(x), np.argmax(x, 1)),
        "views": lambda x: (
            x.T,
            x[1:4, ::2],
            x.reshape(7, 5),
            x[::-1],
            x[None],
            x[2, 3],
            np.broadcast_to(x, (2, 5, 7)),
        ),
        "gathers": lambda x: (x[[0, 2, 2]], x[:, np.array([1, 5])], np.take_along_axis(x, np.argsort(x, 1), 1)),
        "joins": lambda x: (np.concatenate([x, x * 2.0]), np.stack([x, x], 1), np.pad(x, 1), np.where(x > 0, x, 0.0)),
        "orders": lambda x: (np.sort(x, 1), np.cumsum(x, 0), np.median(x)),
        "products": lambda x: (x @ x.T, np.einsum("ij,ij->i", x, x), x.astype(np.float32) @ Y),
        "types": lambda x: (x > 0.0, x.astype(np.float32), np.floor(x).astype(int) % 3),
        "softmax": lambda x: tp.nn.softmax(x),
        "solve": lambda x: np.linalg.solve(x[:, :5] + 9.0 * np.eye(5), x),
        "cond": lambda x: tp.cond(np.sum(x) > 0.0, lambda: x * 2.0, lambda: x - 1.0),
        "scan": lambda x: tp.scan(lambda c, row: (c * 0.5 + row, c), x[0], x),
        "while": lambda x: tp.while_loop(lambda t: np.sum(t) < 50.0, lambda t: t * 1.5, x * x),
        "grad": lambda x: tp.grad(lambda t: np.sum(np.tanh(t) * t))(x),
        "vmap": lambda x: tp.vmap(lambda row: np.sum(row * row))(x),
        "jvp": lambda x: tp.jvp(lambda t: np.sin(t), (x,), (x,)),
        "jacobian": lambda x: tp.jacobian(lambda row: np.cumsum(row * row))(x[0]),
    }


def leaves(tree):
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, (tuple, list)) else [tree]
