"""Accesses that together cover every element: the x, y and z of points that lie one behind the other.

Along the lane axis each of them takes every third element, one load or store for each lane. Together they are whole
vectors, whose elements are sorted in registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loops import Access, Load, Nest, Store

MOST: Final = 4  # accesses: sorting more takes longer than their lanes


def interleaved(nest: Nest, lane_axis: int | None, depths: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """For the position of each access that has such neighbours, the positions of all of them, by their offsets.

    Args:
        nest: whose body.
        lane_axis: its lane axis.
        depths: how many loops must have been entered before each instruction.
    """
    alike: dict[object, list[tuple[int, int]]] = {}
    for position, i in enumerate(nest.body):
        if isinstance(i, Load | Store) and lane_axis is not None and _every(i.access, lane_axis):
            key = (type(i), i.access.buffer, i.access.strides, depths[position])
            alike.setdefault(key, []).append((i.access.offset, position))
    found = {}
    for (_, _, strides, _), members in ((k, sorted(m)) for k, m in alike.items() if isinstance(k, tuple)):
        assert lane_axis is not None
        count = strides[lane_axis]
        first = 0
        while first + count <= len(members):
            run = members[first : first + count]
            if [offset - run[0][0] for offset, _ in run] == list(range(count)):
                positions = tuple([position for _, position in run])
                found.update(dict.fromkeys(positions, positions))
                first += count
            else:
                first += 1
    return found


def _every(access: Access, lane_axis: int) -> bool:
    stride = access.strides[lane_axis]
    return isinstance(stride, int) and 2 <= stride <= MOST and not any(w is not None for w in access.windows)


def load_interleaved(f: FunctionText, pointer: Reg, count: int, element: str, width: int, native: int) -> list[Reg]:
    """From `count * width` elements, vectors of every `count`-th: from the first on, from the second on, and so on.

    Args:
        f: where to write.
        pointer: address of the first element.
        count: how many vectors to make.
        element: LLVM's type of an element in memory.
        width: lanes of each, a power of two.
        native: lanes of the machine's vectors.
    """
    chunk = min(width, native)
    parts: list[list[Reg]] = [[] for _ in range(count)]
    for start in range(0, width * count, chunk * count):
        vectors = [
            f.load(f.element_pointer(pointer, _number(start + j * chunk), element), element, chunk)
            for j in range(count)
        ]
        for k, made in enumerate(parts):
            made.append(_picked(f, vectors, [divmod(k + count * lane, chunk) for lane in range(chunk)]))
    return [_joined(f, made) for made in parts]


def store_interleaved(f: FunctionText, vectors: Sequence[Reg], pointer: Reg, native: int) -> None:
    """Writes the first lanes of all vectors, then the second ones, and so on; arguments as for loading."""
    count, width, element = len(vectors), vectors[0].width, vectors[0].element
    chunk = min(width, native)
    for start in range(0, width, chunk):
        parts = [_cut(f, v, start, chunk) for v in vectors]
        for j in range(count):
            order = [divmod(j * chunk + lane, count) for lane in range(chunk)]
            value = _picked(f, parts, [(k, lane) for lane, k in order])
            f.store(value, f.element_pointer(pointer, _number(start * count + j * chunk), element))


def _number(n: int) -> Reg:
    return Reg(str(n), "i64")


def _picked(f: FunctionText, vectors: Sequence[Reg], sources: Sequence[tuple[int, int]]) -> Reg:
    """A vector whose lanes come from these lanes of these vectors."""
    width = len(sources)
    made = vectors[0]
    for number in range(1, len(vectors)):
        lanes = []
        for lane, (vector, at) in enumerate(sources):
            if vector == number:
                lanes.append(str(width + at))
            else:
                lanes.append("poison" if vector > number else str(at if number == 1 else lane))
        made = _shuffled(f, made, vectors[number], lanes)
    return made


def _shuffled(f: FunctionText, a: Reg, b: Reg, lanes: Sequence[str]) -> Reg:
    mask = ", ".join(f"i32 {lane}" for lane in lanes)
    text = f"shufflevector {a.type} {a.text}, {b.type} {b.text}, <{len(lanes)} x i32> <{mask}>"
    return f.assign(text, a.element, len(lanes))


def _joined(f: FunctionText, parts: Sequence[Reg]) -> Reg:
    """One vector of several, whose number is a power of two."""
    while len(parts) > 1:
        width = 2 * parts[0].width
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [_shuffled(f, a, b, [str(lane) for lane in range(width)]) for a, b in pairs]
    return parts[0]


def _cut(f: FunctionText, vector: Reg, start: int, width: int) -> Reg:
    if width == vector.width:
        return vector
    return _shuffled(f, vector, vector, [str(start + lane) for lane in range(width)])
