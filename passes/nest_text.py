"""A nest's body in LLVM text: loads, scalar ops and stores at a given place in the loops.

Every instruction is written at the outermost loop at which all that it needs is known, so that nothing is computed
twice by a loop that does not change it. Along the *lane axis* positions are taken several at a time: what depends on
it is a vector, everything else a scalar that is spread over the lanes where the two meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from tapec.ir import dtypes
from tapec.ops import elementwise as ew
from tapec.passes.interleaved import interleaved, load_interleaved, store_interleaved
from tapec.passes.lane_memory import gather, masked_load, masked_store, scatter
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import i64, lane_numbers
from tapec.passes.loops import (
    Access,
    Compute,
    Constant,
    Index,
    Inside,
    Instruction,
    Load,
    Nest,
    Reduce,
    Store,
    Window,
)
from tapec.passes.places import Place, Surroundings
from tapec.passes.scalar.table import ROWS
from tapec.passes.shared_formulas import compute
from tapec.passes.streaming import LINE, store_past_caches


class BodyText:
    """Writes the instructions of a nest's body, depth by depth.

    Args:
        f: the function being written.
        nest: whose body.
        order: axes from the outermost loop to the innermost.
        lane_axis: the axis that is taken several positions at a time, or None.
        around: see `Surroundings`.
        alignment: of the vectors of an access along the lane axis, in bytes; None for its elements'.
        staged: for loads, by their position in the body, what gives the value in the place of memory.
    """

    def __init__(
        self,
        f: FunctionText,
        nest: Nest,
        order: Sequence[int],
        lane_axis: int | None,
        around: Surroundings,
        alignment: Callable[[Access], int | None] = lambda _: None,
        staged: Mapping[int, Callable[[Place], Reg]] = MappingProxyType({}),
    ) -> None:
        self.f = f
        self.nest = nest
        self.order = tuple(order)
        self.lane_axis = lane_axis
        self.around = around
        self.alignment = alignment
        self.staged = staged
        self.types = nest.register_dtypes
        self._depth_of_axis = {axis: i + 1 for i, axis in enumerate(order)}
        self.depths = self._depths()
        self.interleaved = interleaved(nest, lane_axis, self.depths)

    def _depths(self) -> list[int]:
        """How many loops must have been entered before each instruction."""
        of_register: dict[int, int] = {}
        depths = []
        for i in self.nest.body:
            if isinstance(i, Load):
                depth = of_register[i.out] = self._access_depth(i.access)
            elif isinstance(i, Constant):
                depth = of_register[i.out] = 0
            elif isinstance(i, Index):
                depth = of_register[i.out] = self._depth_of_axis[i.axis]
            elif isinstance(i, Inside):
                depth = of_register[i.out] = self._windows_depth(i.windows)
            elif isinstance(i, Compute):
                depth = max([of_register[r] for r in i.operands], default=0)
                of_register[i.out] = depth
            elif isinstance(i, Store):
                depth = max(of_register[i.value], self._access_depth(i.access))
            else:
                depth = len(self.order)
            depths.append(depth)
        return depths

    def _access_depth(self, access: Access) -> int:
        moving = max([self._depth_of_axis[a] for a, s in enumerate(access.strides) if s != 0], default=0)
        return max(moving, self._windows_depth(access.windows))

    def _windows_depth(self, windows: Sequence[Window | None]) -> int:
        return max([self._depth_of_axis[a] for a, w in enumerate(windows) if w is not None], default=0)

    def emit(self, place: Place) -> None:
        """Writes the instructions that belong exactly here."""
        for position, (instruction, depth) in enumerate(zip(self.nest.body, self.depths, strict=True)):
            if isinstance(instruction, Load | Store | Reduce):
                self._advance(position, instruction.access, place)
            if depth == place.depth and not isinstance(instruction, Reduce):
                self._instruction(position, instruction, place)

    def reduces(self) -> list[tuple[int, Reduce]]:
        """The reductions, with their positions in the body."""
        return [(p, i) for p, i in enumerate(self.nest.body) if isinstance(i, Reduce)]

    # Addresses -------------------------------------------------------------------------------------------------------

    def _advance(self, position: int, access: Access, place: Place) -> None:
        """Brings an access' address up to the loop just entered."""
        f = self.f
        element = memory_element(access.buffer.dtype)
        if place.depth == 0:
            base = self.around.pointer(access.buffer)
            place.pointers[position] = f.element_pointer(base, i64(access.offset), element) if access.offset else base
            return
        axis = self.order[place.depth - 1]
        stride = access.strides[axis]
        if stride == 0 or (access.windows and access.windows[axis] is not None):
            return
        index = place.index[axis]
        step = index if stride == 1 else f.mul(index, i64(stride))
        place.pointers[position] = f.element_pointer(place.pointers[position], step, element)

    def _windowed(self, access: Access, place: Place) -> tuple[Reg, Reg]:
        """Offsets behind the access' address, in elements, and which lanes lie in all windows."""
        f = self.f
        offset, inside = f.number(0, "i64"), Reg("true", "i1")
        for axis, window in enumerate(access.windows):
            if window is None:
                continue
            at, fits = self._position(self._lanes(axis, place), window)
            shift = f.mul(at, f.splat(i64(access.strides[axis]), at.width))
            offset = shift if offset.text == "0" else self._both("add", offset, shift)
            inside = fits if inside.text == "true" else self._both("and", inside, fits)
        return offset, inside

    def _lanes(self, axis: int, place: Place) -> Reg:
        """The position along an axis, of each lane if it is the lane axis."""
        index = place.index[axis]
        if axis == self.lane_axis and place.width > 1:
            return self.f.add(self.f.splat(index, place.width), lane_numbers(self.f, place.width))
        return index

    def _inside(self, windows: Sequence[Window | None], place: Place) -> Reg:
        inside = Reg("true", "i1")
        if place.within:
            return inside
        for axis, window in enumerate(windows):
            if window is not None:
                _, fits = self._position(self._lanes(axis, place), window)
                inside = fits if inside.text == "true" else self._both("and", inside, fits)
        return inside

    def _both(self, instruction: str, a: Reg, b: Reg) -> Reg:
        width = max(a.width, b.width)
        return self.f.binary(instruction, self.f.splat(a, width), self.f.splat(b, width))

    def _position(self, index: Reg, window: Window) -> tuple[Reg, Reg]:
        f, width = self.f, index.width

        def number(n: int) -> Reg:
            return f.number(n, "i64", width)

        shifted = f.sub(index, number(window.start))
        if window.step == 1:
            return shifted, f.icmp("ult", shifted, number(window.extent))
        if window.step == -1:
            at = f.sub(number(0), shifted)
            return at, f.icmp("ult", at, number(window.extent))
        at = f.binary("sdiv", shifted, number(window.step))
        exact = f.icmp("eq", f.mul(at, number(window.step)), shifted)
        return at, f.binary("and", exact, f.icmp("ult", at, number(window.extent)))

    def _lane_stride(self, access: Access) -> int | str:
        return 0 if self.lane_axis is None else access.strides[self.lane_axis]

    # Instructions ----------------------------------------------------------------------------------------------------

    def _instruction(self, position: int, instruction: Instruction, place: Place) -> None:
        f = self.f
        if isinstance(instruction, Load):
            place.registers[instruction.out] = self._load(position, instruction.access, place)
        elif isinstance(instruction, Constant):
            place.registers[instruction.out] = f.constant(instruction.value, instruction.dtype)
        elif isinstance(instruction, Index):
            place.registers[instruction.out] = self._index(instruction, place)
        elif isinstance(instruction, Inside):
            place.registers[instruction.out] = self._inside(instruction.windows, place)
        elif isinstance(instruction, Compute):
            place.registers[instruction.out] = self._compute(instruction, place)
        elif isinstance(instruction, Store):
            if self._is_sorted(position, place):
                self._store_sorted(position, place)
            else:
                self.store(position, instruction.access, place.registers[instruction.value], place)

    def _index(self, instruction: Index, place: Place) -> Reg:
        f = self.f
        index = self._lanes(instruction.axis, place)
        row = ROWS[ew.cast]
        if instruction.dtype is dtypes.I64:
            return index
        return row(f, dtypes.I64, (index,), {"dtype": instruction.dtype.name})

    def _compute(self, instruction: Compute, place: Place) -> Reg:
        f = self.f
        operands = [place.registers[r] for r in instruction.operands]
        width = max(r.width for r in operands)
        operands = [f.splat(r, width) for r in operands]
        if instruction.primitive is ew.wrap_index:
            return self._wrap_index(instruction, operands[0], place)
        formula = instruction.primitive, instruction.dtype
        return compute(f, formula, tuple(operands), instruction.attributes, self.around.shared)

    def _wrap_index(self, instruction: Compute, index: Reg, place: Place) -> Reg:
        f, width = self.f, index.width
        extent = instruction.attributes["size"]
        assert isinstance(extent, int)
        size = f.number(extent, index.element, width)
        if instruction.dtype.kind == "u":
            wrapped = index
        else:
            negative = f.icmp("slt", index, f.number(0, index.element, width))
            wrapped = f.select(negative, f.add(index, size), index)
        outside = f.icmp("uge", wrapped, size)
        if place.mask is not None and width > 1:
            outside = f.binary("and", outside, place.mask)
        self.around.fault(outside, instruction.location)
        return wrapped

    # Memory ----------------------------------------------------------------------------------------------------------

    def _load(self, position: int, access: Access, place: Place) -> Reg:
        f = self.f
        element = memory_element(access.buffer.dtype)
        pointer = self._within(place.pointers[position], access, place, element)
        if position in self.staged:
            value = self.staged[position](place)
        elif any(w is not None for w in access.windows) and not place.within:
            value = self._load_window(position, access, place, element)
        elif self._lane_stride(access) == 0 or place.width == 1:
            value = f.load(pointer, element)
        elif self._lane_stride(access) == 1:
            value = self._load_lanes(pointer, element, place, self.alignment(access))
            self._ask_ahead(pointer, access, element, place.width)
        elif self._is_sorted(position, place):
            value = self._load_sorted(position, place, element)
        else:
            value = gather(self.f, pointer, self._lane_offsets(access, place.width), place.mask, element)
        return f.convert("trunc", value, "i1") if access.buffer.dtype is dtypes.BOOL else value

    def _lane_offsets(self, access: Access, width: int) -> Reg:
        stride = self.f.splat(i64(self._lane_stride(access)), width)
        return self.f.mul(lane_numbers(self.f, width), stride)

    def _load_lanes(self, pointer: Reg, element: str, place: Place, align: int | None) -> Reg:
        if place.mask is None:
            return self.f.load(pointer, element, place.width, align)
        return masked_load(self.f, pointer, place.mask, element, place.width)

    def _ask_ahead(self, pointer: Reg, access: Access, element: str, width: int) -> None:
        """Asks for what is wanted soon behind a vector that is read."""
        distance = self.around.ahead.get(access.buffer)
        if distance is not None:
            for some in range(0, width, max(1, LINE // access.buffer.dtype.itemsize)):
                self.f.prefetch(self.f.element_pointer(pointer, i64(distance + some), element))

    def _is_sorted(self, position: int, place: Place) -> bool:
        """Whether an access is done together with its neighbours, by whole vectors."""
        power_of_two = place.width & (place.width - 1) == 0  # a short axis is one vector of any length
        return position in self.interleaved and place.mask is None and place.width > 1 and power_of_two

    def _native(self, element: str) -> int:
        return max(1, self.around.vector_bits // Reg("", element).bits)

    def _load_sorted(self, position: int, place: Place, element: str) -> Reg:
        positions = self.interleaved[position]
        if positions[0] not in place.sorted:
            first = self.f.element_pointer(place.pointers[position], i64(-positions.index(position)), element)
            native = self._native(element)
            vectors = load_interleaved(self.f, first, len(positions), element, place.width, native)
            place.sorted.update(zip(positions, vectors, strict=True))
        return place.sorted[position]

    def _store_sorted(self, position: int, place: Place) -> None:
        """Writes nothing before the last one of the neighbours is there."""
        positions = self.interleaved[position]
        if position < max(positions):
            return
        vectors = []
        for other in positions:
            store = self.nest.body[other]
            assert isinstance(store, Store)
            value = self.f.splat(place.registers[store.value], place.width)
            vectors.append(self.f.convert("zext", value, "i8") if value.element == "i1" else value)
        native = self._native(vectors[0].element)
        store_interleaved(self.f, vectors, place.pointers[positions[0]], native)

    def _within(self, pointer: Reg, access: Access, place: Place, element: str) -> Reg:
        """An access' address; that of its first lane if all lanes are known to lie in every window."""
        f = self.f
        for axis, window in enumerate(access.windows if place.within else ()):
            if window is not None:
                at = f.sub(place.index[axis], i64(window.start))
                pointer = f.element_pointer(pointer, f.mul(at, i64(access.strides[axis])), element)
        return pointer

    def _load_window(self, position: int, access: Access, place: Place, element: str) -> Reg:
        f = self.f
        pointer = place.pointers[position]
        offset, inside = self._windowed(access, place)
        lane_window = access.windows[self.lane_axis] if self.lane_axis is not None else None
        stride = self._lane_stride(access)
        width = place.width
        if width == 1 or (lane_window is None and (stride == 0 or place.mask is None)):
            # All lanes or none: outside, the window's first element is read and dropped. A masked load is slower, by
            # far where its address is in memory that nobody has used yet.
            at = f.element_pointer(pointer, f.select(inside, offset, f.number(0, "i64")), element)
            if width == 1 or stride == 0:
                value = f.load(at, element)
            elif stride == 1:
                value = f.load(at, element, width)
            else:
                value = gather(f, at, self._lane_offsets(access, width), None, element)
            return f.select(inside, value, f.number(0, element, value.width))
        mask = f.splat(inside, width)
        if place.mask is not None:
            mask = f.binary("and", mask, place.mask)
        if stride == 1 and (lane_window is None or lane_window.step == 1):
            first = offset if offset.width == 1 else f.extract(offset, 0)
            return masked_load(f, self._loose_pointer(pointer, first, element), mask, element, width)
        offsets = f.splat(offset, width)
        if lane_window is None:
            offsets = f.add(offsets, self._lane_offsets(access, width))
        return gather(self.f, pointer, offsets, mask, element)

    def _loose_pointer(self, base: Reg, offset: Reg, element: str) -> Reg:
        """An address that may lie outside its buffer, where masked lanes start before the window."""
        return self.f.assign(f"getelementptr {element}, ptr {base.text}, i64 {offset.text}", "ptr")

    def store(self, position: int, access: Access, value: Reg, place: Place) -> None:
        """Writes `value` at an access, in the lanes that exist."""
        f = self.f
        pointer = place.pointers[position]
        if value.element == "i1":
            value = f.convert("zext", value, "i8")
        stride = self._lane_stride(access)
        if stride == 0 or place.width == 1:
            f.store(value, pointer)
            return
        value = f.splat(value, place.width)
        if stride == 1 and place.mask is None and access.buffer in self.around.streamed:
            store_past_caches(f, value, pointer, self.around.vector_bits)
            return
        if stride == 1 and place.mask is None:
            f.store(value, pointer, self.alignment(access))
            return
        if stride == 1:
            assert place.mask is not None
            masked_store(f, value, pointer, place.mask)
        else:
            scatter(f, value, pointer, self._lane_offsets(access, place.width), place.mask)
