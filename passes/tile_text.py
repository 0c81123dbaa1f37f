"""Nests that run tile by tile (`tapec.passes.tiles`), as LLVM text: one loop over tiles, cut into parts for threads."""

from __future__ import annotations

from dataclasses import replace
from math import gcd

from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import count_loop, i64
from tapec.passes.loops import Buffer, Nest
from tapec.passes.nest_loops import emit_span
from tapec.passes.nest_parts import Part, Span
from tapec.passes.parallel_text import Region
from tapec.passes.places import Surroundings
from tapec.passes.splitting import Split, parts_of
from tapec.passes.steps import Product, Sum, Tiles
from tapec.passes.streaming import finish_streams, streamed
from tapec.passes.tile_ahead import asked_ahead
from tapec.passes.tile_product_text import emit_product, emit_product_end
from tapec.passes.tile_sums import emit_sum, emit_sum_end
from tapec.passes.work import nanoseconds


def emit_tiles(f: FunctionText, tiles: Tiles, around: Surroundings) -> None:
    """Appends nests that run tile by tile."""
    multiplied = {operand.buffer for product in tiles.products for operand in product.operands}
    around = replace(around, streamed=streamed(tiles.nests, tiles.local) - multiplied)
    most = parts_of(sum(nanoseconds(member) for member in tiles.members))
    split = Split(0, tiles.extent, tiles.unit, tiles.extent // tiles.unit, False, most)
    if split.parts > 1:

        def part(region: Region, first: Reg, stop: Reg) -> None:
            _part(region.task, tiles, region.inside, Part(split, first, stop).span(region.task))

        Region(f, around, split.units, split.parts).write(part)
    else:
        _part(f, tiles, around, Span(0, i64(0), i64(tiles.extent), tiles.extent))
    for item in tiles.items:
        if isinstance(item, Sum):
            emit_sum_end(f, item, around)
        elif isinstance(item, Product) and item.partials is not None:
            emit_product_end(f, item, item.partials, around)


def _part(f: FunctionText, tiles: Tiles, around: Surroundings, part: Span) -> None:
    rest = tiles.extent % tiles.tile
    least = rest or tiles.tile
    multiple = gcd(tiles.tile, rest)
    ahead = asked_ahead(tiles)

    def one_tile(start: Reg) -> None:
        stop = f.intrinsic("smin", f.add(start, i64(tiles.tile)), part.stop) if rest else f.add(start, i64(tiles.tile))
        inside = _within_tile(f, tiles, around, part.start, start)
        for number, item in enumerate(tiles.items):
            if isinstance(item, Product):
                emit_product(f, item, inside, start, stop)
                continue
            nest = item.nest if isinstance(item, Sum) else item
            scale = _scale(nest, tiles.extent)
            span = Span(0, f.mul(start, i64(scale)), f.mul(stop, i64(scale)), least * scale, multiple * scale)
            if isinstance(item, Sum):
                emit_sum(f, item, inside, span)
            else:
                emit_span(f, nest, replace(inside, ahead=ahead.get(number, {})), span)

    count_loop(f, part.start, part.stop, tiles.tile, one_tile)
    if around.streamed:
        finish_streams(f)


def _scale(nest: Nest, extent: int) -> int:
    """Positions of the nest's first axis for each position of the axis that is tiled."""
    return int(nest.extents[0]) // extent


def _within_tile(f: FunctionText, tiles: Tiles, around: Surroundings, first: Reg, start: Reg) -> Surroundings:
    """Local buffers as a tile sees them: each part uses the places of its own first tile for all of its tiles."""
    back = f.sub(first, start)
    moved: dict[Buffer, Reg] = {}
    for buffer, row in tiles.local.items():
        offset = f.mul(back, i64(row))
        moved[buffer] = f.element_pointer(around.pointer(buffer), offset, memory_element(buffer.dtype))

    def pointer(buffer: Buffer) -> Reg:
        found = moved.get(buffer)
        return around.pointer(buffer) if found is None else found

    return replace(around, pointer=pointer)
