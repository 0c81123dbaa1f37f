"""Loops whose number of rounds the data decide, and the rows that they leave to later loops, in LLVM text."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.passes.carries_text import Carries, Scope, address_of
from tapec.passes.kernel_status import NO_MEMORY
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import count_loop, i64
from tapec.passes.loops import Buffer
from tapec.passes.steps import Sweep, Sweeps, While

_MOST_BYTES = 1 << 62  # nobody has as much
_FIRST_BYTES = 4096  # of rows whose number is not known; then always twice as many
_NULL = Reg("null", "ptr")
# Rows of one buffer: where they begin, and the size of one.
_Memory = tuple[Reg, int]


def emit_while(scope: Scope, loop: While) -> None:
    """Appends a loop that runs as long as its condition holds, and stores a row in each round if it has rows."""
    f = scope.f
    carries = Carries(scope, loop.carries)
    trips = f.alloca("i64", 1)
    f.store(i64(0), trips)
    store = None if loop.memory is None else _GrowingRows(scope, loop, trips)
    head, body, done = (f.fresh(name) for name in ("while", "round", "ended"))
    f.branch(head)
    f.label(head)
    carries.enter()
    scope.write(loop.test)
    goes_on = f.icmp("ne", f.load(scope.pointer(loop.condition), "i8"), Reg("0", "i8"))
    f.branch_if(goes_on, body, done)
    f.label(body)
    if store is not None:
        store.enter(done)
    scope.write(loop.body)
    carries.advance()
    f.store(f.add(f.load(trips, "i64"), i64(1)), trips)
    f.branch(head)
    f.label(done)
    carries.leave()
    f.store(f.load(trips, "i64"), scope.pointer(loop.trips))
    if store is not None:
        store.leave()


class _GrowingRows:
    """Memory for the rows of a loop whose number of rounds nobody knows: when it is full, twice as much."""

    def __init__(self, scope: Scope, loop: While, trips: Reg) -> None:
        self.scope = scope
        self.f = scope.f
        self.loop = loop
        self.trips = trips
        self.base = self.f.alloca("ptr", 1)
        self.room = self.f.alloca("i64", 1)
        self.f.store(_NULL, self.base)
        self.f.store(i64(0), self.room)
        self.f.declarations.add("declare ptr @realloc(ptr, i64)")

    def enter(self, failed: str) -> None:
        """Binds the row of this round; leaves for the block `failed` if there is no memory for it."""
        f, loop = self.f, self.loop
        row_bytes = max(loop.row_bytes, 1)
        full, grown, fits = (f.fresh(name) for name in ("full", "grown", "fits"))
        at = f.load(self.trips, "i64")
        f.branch_if(f.icmp("eq", at, f.load(self.room, "i64")), full, fits)
        f.label(full)
        first = f.icmp("eq", at, i64(0))
        room = f.select(first, i64(max(_FIRST_BYTES // row_bytes, 1)), f.add(at, at))
        possible = f.icmp("sle", room, i64(_MOST_BYTES // row_bytes))
        nbytes = f.select(possible, f.mul(room, i64(row_bytes)), i64(_MOST_BYTES))
        # `cold`, so that registers are saved here and not in every round.
        text = f"call ptr @realloc(ptr {f.load(self.base, 'ptr').text}, i64 {nbytes.text}) cold"
        memory = f.assign(text, "ptr")
        none = f.fresh("no_rows")
        f.branch_if(f.icmp("ne", memory, _NULL), grown, none)
        f.label(none)
        self.scope.fail(i64(NO_MEMORY))
        f.branch(failed)
        f.label(grown)
        f.store(memory, self.base)
        f.store(room, self.room)
        f.branch(fits)
        f.label(fits)
        _bind(self.scope, loop.rows, (f.load(self.base, "ptr"), loop.row_bytes), at)

    def leave(self) -> None:
        """Says where the rows are, and how many."""
        f = self.f
        assert self.loop.memory is not None
        said = self.scope.pointer(self.loop.memory)
        f.store(f.load(self.base, "ptr"), said)
        f.store(f.load(self.trips, "i64"), f.element_pointer(said, i64(1), "i64"))


def give_back(f: FunctionText, said: Reg) -> None:
    """Frees the rows that lie where the memory at `said` says, if there are any."""
    f.declarations.add("declare void @free(ptr)")
    f.line(f"call void @free(ptr {f.load(said, 'ptr').text})")
    f.store(_NULL, said)


def emit_sweeps(scope: Scope, step: Sweeps) -> None:
    """Appends loops over rows, and takes the memory of those that they store; if there is none, a status and no loops.

    Rows that a while loop has stored are given back behind them.
    """
    f = scope.f
    asked = f.load(address_of(scope, step.rounds), "i64")
    rounds = f.select(f.icmp("slt", asked, i64(0)), i64(0), asked)
    given = (_NULL, 0) if step.memory is None else (f.load(scope.pointer(step.memory), "ptr"), step.given_bytes)
    if step.row_bytes:
        _with_rows(scope, step, rounds, given)
    else:
        for sweep in step.sweeps:
            _sweep(scope, sweep, rounds, (_NULL, 0), given)
    if step.memory is not None:
        give_back(f, scope.pointer(step.memory))


def _with_rows(scope: Scope, step: Sweeps, rounds: Reg, given: _Memory) -> None:
    f = scope.f
    f.declarations |= {"declare ptr @malloc(i64)", "declare void @free(ptr)"}
    most = i64(_MOST_BYTES // step.row_bytes)
    nbytes = f.mul(f.select(f.icmp("sgt", rounds, most), most, rounds), i64(step.row_bytes))
    # One byte more, since malloc(0) may give null.
    memory = f.assign(f"call ptr @malloc(i64 {f.add(nbytes, i64(1)).text})", "ptr")
    fits = f.icmp("sle", rounds, most)
    have, none, done = (f.fresh(name) for name in ("rows", "no_rows", "swept"))
    f.branch_if(f.select(fits, f.icmp("ne", memory, _NULL), Reg("false", "i1")), have, none)
    f.label(none)
    scope.fail(i64(NO_MEMORY))
    f.branch(done)
    f.label(have)
    for sweep in step.sweeps:
        _sweep(scope, sweep, rounds, (memory, step.row_bytes), given)
    f.branch(done)
    f.label(done)
    f.line(f"call void @free(ptr {memory.text})")


def _sweep(scope: Scope, sweep: Sweep, rounds: Reg, own: _Memory, given: _Memory) -> None:
    f = scope.f
    carries = Carries(scope, sweep.carries)

    def iteration(index: Reg) -> None:
        at = f.sub(f.sub(rounds, i64(1)), index) if sweep.reverse else index
        _bind(scope, sweep.rows, own, at)
        _bind(scope, sweep.given, given, at)
        carries.enter()
        scope.write(sweep.body)
        carries.advance()

    count_loop(f, i64(0), rounds, 1, iteration)
    carries.leave()


def _bind(scope: Scope, rows: Sequence[tuple[Buffer, int]], memory: _Memory, at: Reg) -> None:
    """Has the parts of a row lie where those of the round `at` do."""
    f = scope.f
    base, row_bytes = memory
    start = f.mul(at, i64(row_bytes))
    for row, offset in rows:
        scope.bind(row, f.element_pointer(base, f.add(start, i64(offset)), "i8"))
