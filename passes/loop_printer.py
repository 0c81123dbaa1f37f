"""The loop IR as text, for people."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.passes.loops import Access, Buffer, Compute, Constant, Index, Inside, Load, Nest, Reduce, Store, Window
from tapec.passes.steps import Branch, LibraryStep, Loop, Product, Program, Step, Sum, Sweep, Sweeps, Tiles, While


def print_program(program: Program) -> str:
    """Buffers, the arena, and every step."""
    lines = [f"program {program.name}"]
    lines += [f"  {b.kind} {b.name}: {b.size} x {b.dtype.name}" for b in (*program.inputs, *program.outputs)]
    registers = sorted(program.registers, key=lambda b: b.name)
    lines += [f"  register {b.name}: {b.size} x {b.dtype.name}" for b in registers]
    lines += [f"  temporary {b.name}: {b.size} x {b.dtype.name} at byte {at}" for b, at in program.temporaries.items()]
    lines.append(f"  arena: {program.arena_bytes} bytes")
    for i, step in enumerate(program.steps):
        lines += [f"  step {i}: {line}" if n == 0 else f"    {line}" for n, line in enumerate(_step(step))]
    return "\n".join(lines) + "\n"


def _step(step: Step) -> list[str]:
    if isinstance(step, Loop):
        return [f"loop {step.count} times{', backwards' if step.reverse else ''}", *_carried(step), *_inside(step.body)]
    if isinstance(step, While):
        lines = ["while", *_carried(step), *_inside(step.test), f"  holds {step.condition.name}"]
        lines += [*_inside(step.body), f"  rounds -> {step.trips.name}"]
        if step.memory is not None:
            lines += [f"  {step.memory.name} <- rows of {step.row_bytes} bytes", *_parts(step.rows)]
        return lines
    if isinstance(step, Branch):
        return _branch(step)
    if isinstance(step, Sweeps):
        return _sweeps(step)
    if isinstance(step, LibraryStep):
        return [_library(step)]
    if isinstance(step, Tiles):
        return [*_tiles_head(step), *[f"  {line}" for item in step.items for line in _item(item)]]
    return _nest(step)


def _tiles_head(tiles: Tiles) -> list[str]:
    local = ", ".join(f"{buffer.name} ({row} a position)" for buffer, row in tiles.local.items())
    head = f"tiles of {tiles.tile} of {tiles.extent} positions, threads by {tiles.unit}"
    return [head, *[f"  local: {local}"] * bool(local)]


def _library(step: LibraryStep) -> str:
    operands = ", ".join(f"{o.buffer.name}+{o.offset}{list(o.shape)}" for o in step.operands)
    results = ", ".join(b.name for b in step.results)
    result = f"{results} = " if results else ""
    attributes = ", ".join(f"{k}={v}" for k, v in step.attributes.items())
    return f"{result}{step.primitive.name}({operands}) {{{attributes}}}"


def _item(item: Nest | Sum | Product) -> list[str]:
    if isinstance(item, Nest):
        return _nest(item)
    lines = _nest(item.nest) if isinstance(item, Sum) else [_library(item.step)]
    return lines if item.partials is None else [*lines, f"  in blocks: {item.partials.name}"]


def _nest(step: Nest) -> list[str]:
    loops = enumerate(zip(step.extents, step.reduced, strict=True))
    axes = " ".join(f"{'reduce' if reduced else 'for'} i{axis}<{extent}" for axis, (extent, reduced) in loops)
    lines = [f"nest {axes}".rstrip()]
    for i in step.body:
        if isinstance(i, Load):
            lines.append(f"  %{i.out} = load {_access(i.access)}")
        elif isinstance(i, Constant):
            lines.append(f"  %{i.out} = {i.value!r} : {i.dtype.name}")
        elif isinstance(i, Index):
            lines.append(f"  %{i.out} = i{i.axis} : {i.dtype.name}")
        elif isinstance(i, Inside):
            lines.append(f"  %{i.out} = inside{_windows(i.windows)}")
        elif isinstance(i, Compute):
            attributes = f" {i.attributes}" if i.attributes else ""
            lines.append(f"  %{i.out} = {i.primitive.name} {', '.join(f'%{r}' for r in i.operands)}{attributes}")
        elif isinstance(i, Store):
            lines.append(f"  store %{i.value} -> {_access(i.access)}")
        elif isinstance(i, Reduce):
            lines.append(f"  {i.primitive.name} %{i.value} -> {_access(i.access)}")
    return lines


def _branch(step: Branch) -> list[str]:
    lines = [f"branch on {step.index.buffer.name}+{step.index.offset}"]
    for number, case in enumerate(step.cases):
        lines += [f"  case {number}", *[f"  {line}" for line in _inside(case)]]
    return lines


def _sweeps(step: Sweeps) -> list[str]:
    lines = [f"{step.rounds.buffer.name}+{step.rounds.offset} rounds of rows of {step.row_bytes} bytes"]
    for sweep in step.sweeps:
        lines += [f"  sweep{' backwards' if sweep.reverse else ''}", *[f"  {line}" for line in _carried(sweep)]]
        lines += [f"  {line}" for line in (*_parts(sweep.given), *_parts(sweep.rows))]
        lines += [f"  {line}" for line in _inside(sweep.body)]
    return lines


def _carried(step: Loop | While | Sweep) -> list[str]:
    lines = [f"  {c.current.name} from {c.initial.buffer.name}, then {c.next.name}" for c in step.carries]
    if isinstance(step, Loop):
        lines += [f"  {p.name}: slice of {p.base.name}+{p.offset}" for p in step.slices if p.base is not None]
    return lines


def _parts(rows: Sequence[tuple[Buffer, int]]) -> list[str]:
    return [f"  {row.name}: bytes of the row from {offset} on" for row, offset in rows]


def _inside(steps: Sequence[Step]) -> list[str]:
    return [f"  {line}" for step in steps for line in _step(step)]


def _access(access: Access) -> str:
    terms = [f"{s}*i{a}" if s != 1 else f"i{a}" for a, s in enumerate(access.strides) if s != 0]
    place = " + ".join([str(access.offset)] * (access.offset != 0 or not terms) + terms)
    return f"{access.buffer.name}[{place}]{_windows(access.windows)}"


def _windows(windows: Sequence[Window | None]) -> str:
    return "".join(f" where i{a} in {w.start}+{w.step}*[0,{w.extent})" for a, w in enumerate(windows) if w is not None)
