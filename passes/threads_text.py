"""Running the parts of a nest on Numba's threads, as LLVM text.

`void tapec_parallel(ptr task, ptr addresses, i64 units, i64 parts, ptr history)` runs `task(addresses, first, stop)`
for ranges that cover 0 to `units`: at most `parts` of them, and one for each thread that Numba's thread mask allows. It
runs the task once, on the thread that called, where Numba's threads can't be used: in a process forked from the one
that started them, and, if the layer can't serve two callers at once, while it serves another.

It also does so where that is faster, which only measuring tells. Threads that find the cores busy cost milliseconds,
since all wait for the last one. `history` is memory of the call's own, zeros at first: how long the task takes alone
(0), how often to run it alone before threads are tried again (1), how long that was last time (2), and how often it has
run on threads since it was last run alone (3), with a mark if the last time was slower than alone: threads are given up
for the second time in a row. The first of these runs may have to wake the threads, and is not judged.
Callers on several threads may lose each other's notes.

A run that lost a millisecond tells of the machine rather than of its task: a thread waited for a core. No call asks for
threads for some time then, so that a program of many calls does not find out in each of them: for a few times what was
lost, and for longer each time that the next such run comes soon after.

`void tapec_parallel_start()` says that this process started the threads.
"""

from __future__ import annotations

from tapec.passes.threads_names import PARALLEL

START = "tapec_parallel_start"
PARALLEL_FOR = "tapec_numba_parallel_for"
GET_THREADS = "tapec_numba_get_num_threads"
SET_THREADS = "tapec_numba_set_num_threads"

_AGAIN = 512  # runs on threads after which a run alone is measured anew
_SLOW = 1 << 32  # the mark: a run on threads was slower
_FIRST_WAIT, _LAST_WAIT = 4, 2048  # half of the runs alone after threads were slower once; the most of them

# Nanoseconds that a run on threads loses where one of them had to wait for its turn on a core; the logarithms of how
# many times as long no call asks for threads then, at first and at most; the longest of these pauses; and the logarithm
# of how many times as long as the last pause nothing must have been lost since for the next one to be a first one.
_MUCH, _FIRST_PAUSE, _LAST_PAUSE, _LONGEST, _CALM = 1_000_000, 2, 6, 1_000_000_000, 3

# Numba's layers call `function(args, dimensions, steps, data)` for pieces of 0 to dimensions[0]: args[0] has moved on
# by steps[0] for each item before the piece, dimensions[0] is the number of items in it. Here an item is a part. Every
# region has as many items as threads, since libgomp ends the threads that a smaller team does not need and the work
# queue gives all items to one thread where there are fewer; those beyond the wanted parts are empty. The layers leave
# the number of threads of the last region as the caller's mask, so that the mask is put back.
_START_TEXT = """
declare i32 @getpid()
declare i32 @clock_gettime(i32, ptr)

@owner = internal global i32 0, align 4
@busy = internal global i32 0, align 4
@crowded = internal global i64 0, align 8
@pause = internal global i64 0, align 8
@patience = internal global i64 0, align 8

define void @{start}() {{
  %pid = call i32 @getpid()
  store atomic i32 %pid, ptr @owner release, align 4
  ret void
}}

define internal i64 @now() {{
  %time = alloca [2 x i64], align 8
  %status = call i32 @clock_gettime(i32 {clock}, ptr %time)
  %seconds = load i64, ptr %time, align 8
  %rest.slot = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %rest.slot, align 8
  %scaled = mul i64 %seconds, 1000000000
  %nanoseconds = add i64 %scaled, %rest
  ret i64 %nanoseconds
}}
"""

_ITEMS_TEXT = """
define internal void @items(ptr %args, ptr %dimensions, ptr %steps, ptr %closure) {{
entry:
  %at = load ptr, ptr %args, align 8
  %count = load i64, ptr %dimensions, align 8
  %task = load ptr, ptr %closure, align 8
  %addresses.slot = getelementptr i64, ptr %closure, i64 1
  %addresses = load ptr, ptr %addresses.slot, align 8
  %units.slot = getelementptr i64, ptr %closure, i64 2
  %units = load i64, ptr %units.slot, align 8
  %parts.slot = getelementptr i64, ptr %closure, i64 3
  %parts = load i64, ptr %parts.slot, align 8
  %end = ptrtoint ptr %at to i64
  %base = ptrtoint ptr %closure to i64
  %first = sub i64 %end, %base
  %last = add i64 %first, %count
  %beyond = icmp slt i64 %last, %parts
  %stop = select i1 %beyond, i64 %last, i64 %parts
  br label %head
head:
  %part = phi i64 [ %first, %entry ], [ %next, %body ]
  %more = icmp slt i64 %part, %stop
  br i1 %more, label %body, label %done
body:
  %next = add i64 %part, 1
  %from.product = mul i64 %part, %units
  %from = udiv i64 %from.product, %parts
  %to.product = mul i64 %next, %units
  %to = udiv i64 %to.product, %parts
  call void %task(ptr %addresses, i64 %from, i64 %to)
  br label %head
done:
  ret void
}}
"""

_REGION_TEXT = """
declare void @{parallel_for}(ptr, ptr, ptr, ptr, ptr, i64, i64, i64)
declare void @{set_threads}(i32)

define internal void @region(ptr %task, ptr %addresses, i64 %units, i64 %parts, i32 %mask) {{
  %closure = alloca [4 x i64], align 8
  %args = alloca ptr, align 8
  %dimensions = alloca [2 x i64], align 8
  %steps = alloca [2 x i64], align 8
  store ptr %task, ptr %closure, align 8
  %addresses.slot = getelementptr i64, ptr %closure, i64 1
  store ptr %addresses, ptr %addresses.slot, align 8
  %units.slot = getelementptr i64, ptr %closure, i64 2
  store i64 %units, ptr %units.slot, align 8
  %parts.slot = getelementptr i64, ptr %closure, i64 3
  store i64 %parts, ptr %parts.slot, align 8
  store ptr %closure, ptr %args, align 8
  %threads = sext i32 %mask to i64
  store i64 %threads, ptr %dimensions, align 8
  %inner = getelementptr i64, ptr %dimensions, i64 1
  store i64 1, ptr %inner, align 8
  store i64 1, ptr %steps, align 8
  call void @{parallel_for}(ptr @items, ptr %args, ptr %dimensions, ptr %steps, ptr %closure,
    i64 1, i64 1, i64 %threads)
  call void @{set_threads}(i32 %mask)
  ret void
}}
"""

_CHOICE_TEXT = """
declare i32 @{get_threads}()
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.smax.i64(i64, i64)

define void @{parallel}(ptr %task, ptr %addresses, i64 %units, i64 %wanted, ptr %alone.slot) {{
entry:
  %skip.slot = getelementptr i64, ptr %alone.slot, i64 1
  %wait.slot = getelementptr i64, ptr %alone.slot, i64 2
  %times.slot = getelementptr i64, ptr %alone.slot, i64 3
  %pid = call i32 @getpid()
  %owner = load atomic i32, ptr @owner acquire, align 4
  %own = icmp eq i32 %pid, %owner
  br i1 %own, label %ask, label %no_choice
ask:
  %mask = call i32 @{get_threads}()
  %threads = sext i32 %mask to i64
  %parts = call i64 @llvm.smin.i64(i64 %threads, i64 %wanted)
  %several = icmp sgt i64 %parts, 1
  br i1 %several, label %remember, label %no_choice
no_choice:
  call void %task(ptr %addresses, i64 0, i64 %units)
  ret void
remember:
  %alone = load atomic i64, ptr %alone.slot monotonic, align 8
  %skip = load atomic i64, ptr %skip.slot monotonic, align 8
  %start = call i64 @now()
  %unknown = icmp eq i64 %alone, 0
  %told = icmp sgt i64 %skip, 0
  %until = load atomic i64, ptr @crowded monotonic, align 8
  %crowded = icmp slt i64 %start, %until
  %for.itself = or i1 %unknown, %told
  %either = or i1 %for.itself, %crowded
  br i1 {always}, label %{enter}, label %decide
decide:
  br i1 %either, label %measure, label %{enter}
measure:
  call void %task(ptr %addresses, i64 0, i64 %units)
  %measured.end = call i64 @now()
  %measured.least = sub i64 %measured.end, %start
  %measured = call i64 @llvm.smax.i64(i64 %measured.least, i64 1)
  %growth = sub i64 %measured, %alone
  %slow = ashr i64 %growth, 3
  %faster.alone = icmp slt i64 %measured, %alone
  %step = select i1 %faster.alone, i64 %growth, i64 %slow
  %smoothed = add i64 %alone, %step
  %kept = select i1 %unknown, i64 %measured, i64 %smoothed
  store atomic i64 %kept, ptr %alone.slot monotonic, align 8
  %one.fewer = sub i64 %skip, 1
  %fewer = call i64 @llvm.smax.i64(i64 %one.fewer, i64 0)
  %left = select i1 %unknown, i64 1, i64 %fewer
  store atomic i64 %left, ptr %skip.slot monotonic, align 8
  store atomic i64 0, ptr %times.slot monotonic, align 8
  ret void
claim:
  %exchange = cmpxchg ptr @busy, i32 0, i32 1 acq_rel monotonic
  %claimed = extractvalue {{ i32, i1 }} %exchange, 1
  br i1 %claimed, label %together, label %no_choice
together:
  call void @region(ptr %task, ptr %addresses, i64 %units, i64 %parts, i32 %mask)
  %end = call i64 @now()
  %took = sub i64 %end, %start
  br label %{leave}
release:
  store atomic i32 0, ptr @busy release, align 4
  br label %note
note:
  %loss = sub i64 %took, %alone
  %waited = icmp sgt i64 %loss, {much}
  br i1 %waited, label %crowd, label %count
crowd:
  %since = sub i64 %start, %until
  %last.pause = load atomic i64, ptr @pause monotonic, align 8
  %calm.time = shl i64 %last.pause, {calm}
  %calm = icmp sgt i64 %since, %calm.time
  %last.patience = load atomic i64, ptr @patience monotonic, align 8
  %more.patience = add i64 %last.patience, 1
  %most.patience = call i64 @llvm.smin.i64(i64 %more.patience, i64 {last_pause})
  %patience = select i1 %calm, i64 {first_pause}, i64 %most.patience
  store atomic i64 %patience, ptr @patience monotonic, align 8
  %share = shl i64 %loss, %patience
  %pause = call i64 @llvm.smin.i64(i64 %share, i64 {longest})
  %again = add i64 %end, %pause
  store atomic i64 %pause, ptr @pause monotonic, align 8
  store atomic i64 %again, ptr @crowded monotonic, align 8
  br label %count
count:
  %wait = load atomic i64, ptr %wait.slot monotonic, align 8
  %times = load atomic i64, ptr %times.slot monotonic, align 8
  %more = add i64 %times, 1
  store atomic i64 %more, ptr %times.slot monotonic, align 8
  %waking = icmp eq i64 %times, 0
  br i1 %waking, label %done, label %judge
done:
  ret void
judge:
  %paid = icmp slt i64 %took, %alone
  %runs = and i64 %more, {runs}
  br i1 %paid, label %good, label %bad
good:
  %half = ashr i64 %wait, 1
  store atomic i64 %half, ptr %wait.slot monotonic, align 8
  store atomic i64 %runs, ptr %times.slot monotonic, align 8
  %often = icmp sge i64 %runs, {again}
  %once = zext i1 %often to i64
  store atomic i64 %once, ptr %skip.slot monotonic, align 8
  ret void
bad:
  %twice = icmp ne i64 %more, %runs
  br i1 %twice, label %worse, label %mark
mark:
  %marked = or i64 %more, {slow}
  store atomic i64 %marked, ptr %times.slot monotonic, align 8
  ret void
worse:
  %least = call i64 @llvm.smax.i64(i64 %wait, i64 {first_wait})
  %double = shl i64 %least, 1
  %longer = call i64 @llvm.smin.i64(i64 %double, i64 {last_wait})
  store atomic i64 %longer, ptr %wait.slot monotonic, align 8
  store atomic i64 %longer, ptr %skip.slot monotonic, align 8
  ret void
}}
"""

_TEXT = _START_TEXT + _ITEMS_TEXT + _REGION_TEXT + _CHOICE_TEXT


def threads_text(clock: int, exclusive: bool, always: bool = False) -> str:
    """The module of `tapec_parallel` and `tapec_parallel_start`.

    Args:
        clock: the system's number of its monotonic clock.
        exclusive: whether the layer serves one caller at a time only.
        always: take threads without asking whether that is faster; for tests of what they compute.
    """
    return _TEXT.format(
        parallel=PARALLEL,
        start=START,
        parallel_for=PARALLEL_FOR,
        get_threads=GET_THREADS,
        set_threads=SET_THREADS,
        clock=clock,
        always="true" if always else "false",
        enter="claim" if exclusive else "together",
        leave="release" if exclusive else "note",
        again=_AGAIN,
        slow=_SLOW,
        runs=_SLOW - 1,
        first_wait=_FIRST_WAIT,
        last_wait=_LAST_WAIT,
        much=_MUCH,
        first_pause=_FIRST_PAUSE,
        last_pause=_LAST_PAUSE,
        longest=_LONGEST,
        calm=_CALM,
    )
