"""Running the parts of a nest on Numba's threads, as LLVM text.

`void tapec_parallel(ptr task, ptr addresses, i64 units, i64 parts)` runs `task(addresses, first, stop)` for ranges that
cover 0 to `units`: at most `parts` of them, and one for each thread that Numba's thread mask allows. It runs the task
once, on the thread that called, where there is nothing to gain or where Numba's threads can't be used: in a process
forked from the one that started them, and, if the layer can't serve two callers at once, while it serves another.

`void tapec_parallel_start()` says that this process started the threads.
"""

from __future__ import annotations

from tapec.passes.threads_names import PARALLEL

START = "tapec_parallel_start"
PARALLEL_FOR = "tapec_numba_parallel_for"
GET_THREADS = "tapec_numba_get_num_threads"
SET_THREADS = "tapec_numba_set_num_threads"

# Numba's layers call `function(args, dimensions, steps, data)` for pieces of 0 to dimensions[0]: args[0] has moved on
# by steps[0] for each item before the piece, dimensions[0] is the number of items in it. Here an item is a part. Every
# region has as many items as threads, since libgomp ends the threads that a smaller team does not need and the work
# queue gives all items to one thread where there are fewer; those beyond the wanted parts are empty. The layers leave
# the number of threads of the last region as the caller's mask, so that the mask is put back.
_TEXT = """
declare void @{parallel_for}(ptr, ptr, ptr, ptr, ptr, i64, i64, i64)
declare i32 @{get_threads}()
declare void @{set_threads}(i32)
declare i32 @getpid()

@owner = internal global i32 0, align 4
@busy = internal global i32 0, align 4

define void @{start}() {{
  %pid = call i32 @getpid()
  store atomic i32 %pid, ptr @owner release, align 4
  ret void
}}

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

define void @{parallel}(ptr %task, ptr %addresses, i64 %units, i64 %wanted) {{
entry:
  %closure = alloca [4 x i64], align 8
  %args = alloca ptr, align 8
  %dimensions = alloca [2 x i64], align 8
  %steps = alloca [2 x i64], align 8
  %pid = call i32 @getpid()
  %owner = load atomic i32, ptr @owner acquire, align 4
  %own = icmp eq i32 %pid, %owner
  br i1 %own, label %ask, label %alone
ask:
  %mask = call i32 @{get_threads}()
  %threads = sext i32 %mask to i64
  %few = icmp slt i64 %threads, %wanted
  %parts = select i1 %few, i64 %threads, i64 %wanted
  %several = icmp sgt i64 %parts, 1
  br i1 %several, label %{enter}, label %alone
claim:
  %exchange = cmpxchg ptr @busy, i32 0, i32 1 acq_rel monotonic
  %claimed = extractvalue {{ i32, i1 }} %exchange, 1
  br i1 %claimed, label %region, label %alone
region:
  store ptr %task, ptr %closure, align 8
  %addresses.slot = getelementptr i64, ptr %closure, i64 1
  store ptr %addresses, ptr %addresses.slot, align 8
  %units.slot = getelementptr i64, ptr %closure, i64 2
  store i64 %units, ptr %units.slot, align 8
  %parts.slot = getelementptr i64, ptr %closure, i64 3
  store i64 %parts, ptr %parts.slot, align 8
  store ptr %closure, ptr %args, align 8
  store i64 %threads, ptr %dimensions, align 8
  %inner = getelementptr i64, ptr %dimensions, i64 1
  store i64 1, ptr %inner, align 8
  store i64 1, ptr %steps, align 8
  call void @{parallel_for}(ptr @items, ptr %args, ptr %dimensions, ptr %steps, ptr %closure,
    i64 1, i64 1, i64 %threads)
  call void @{set_threads}(i32 %mask)
  br label %{leave}
release:
  store atomic i32 0, ptr @busy release, align 4
  br label %done
alone:
  call void %task(ptr %addresses, i64 0, i64 %units)
  br label %done
done:
  ret void
}}
"""


def threads_text(exclusive: bool) -> str:
    """The module of `tapec_parallel` and `tapec_parallel_start`.

    Args:
        exclusive: whether the layer serves one caller at a time only.
    """
    return _TEXT.format(
        parallel=PARALLEL,
        start=START,
        parallel_for=PARALLEL_FOR,
        get_threads=GET_THREADS,
        set_threads=SET_THREADS,
        enter="claim" if exclusive else "region",
        leave="release" if exclusive else "done",
    )
