"""LLVM text of an allocator that keeps the memory of large arrays for the next ones of about their size.

Fresh memory of tens of megabytes comes page by page from the kernel, which zeroes it: that takes longer than writing
it, and malloc gives such memory back as soon as it is freed. What is kept here beyond some tens of megabytes the kernel
may still take, should memory become short (`MADV_FREE`). A block begins with its capacity; what the array gets comes
after it, on a boundary of 64 bytes.
"""

from __future__ import annotations

from typing import Final

ALLOCATE: Final = "tapec_result_malloc"
CALLOC: Final = "tapec_result_calloc"
REALLOC: Final = "tapec_result_realloc"
FREE: Final = "tapec_result_free"

SLOTS: Final = 8  # blocks that are kept at most
LIMIT: Final = 256 << 20  # bytes that they have at most together
# Bytes that wait without the kernel's being told: malloc keeps as much at its heap's end (`M_TRIM_THRESHOLD`). To tell
# takes a quarter of the time in which 8 MB are written.
QUIET: Final = 64 << 20
_HUGE_PAGE: Final = 2 << 20
# Where an array begins in its block. malloc begins large arrays 16 bytes behind a page's beginning; were results as
# near to one, a loop's loads would seem to read what its stores have just written: the processor compares 12 bits.
_OFFSET: Final = 2048 + 64

_TEXT = """\
@slots = internal global [{slots} x ptr] zeroinitializer, align 8
@kept = internal global i64 0, align 8
@turn = internal global i64 0, align 8

declare ptr @aligned_alloc(i64, i64)
declare void @free(ptr)
declare i32 @madvise(ptr, i64, i32)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare {{ i64, i1 }} @llvm.umul.with.overflow.i64(i64, i64)
declare i64 @llvm.umin.i64(i64, i64)

define internal void @drop(ptr %block) {{
entry:
  %none = icmp eq ptr %block, null
  br i1 %none, label %done, label %some
some:
  %capacity = load i64, ptr %block, align 8
  %before = atomicrmw sub ptr @kept, i64 %capacity monotonic
  call void @free(ptr %block)
  br label %done
done:
  ret void
}}

define internal ptr @reused(i64 %size) {{
entry:
  %slack = lshr i64 %size, 2
  %most = add i64 %size, %slack
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %other ]
  %more = icmp ult i64 %i, {slots}
  br i1 %more, label %look, label %nothing
look:
  %slot = getelementptr ptr, ptr @slots, i64 %i
  %block = atomicrmw xchg ptr %slot, ptr null acq_rel
  %empty = icmp eq ptr %block, null
  br i1 %empty, label %other, label %held
held:
  %capacity = load i64, ptr %block, align 8
  %enough = icmp uge i64 %capacity, %size
  %small = icmp ule i64 %capacity, %most
  %fits = and i1 %enough, %small
  br i1 %fits, label %found, label %back
back:
  %put = cmpxchg ptr %slot, ptr null, ptr %block acq_rel monotonic
  %is_back = extractvalue {{ ptr, i1 }} %put, 1
  br i1 %is_back, label %other, label %taken
taken:
  call void @drop(ptr %block)
  br label %other
other:
  %next = add i64 %i, 1
  br label %loop
found:
  %before = atomicrmw sub ptr @kept, i64 %capacity monotonic
  ret ptr %block
nothing:
  ret ptr null
}}

define ptr @{allocate}(ptr %context, i64 %size) {{
entry:
  %old = call ptr @reused(i64 %size)
  %has = icmp ne ptr %old, null
  br i1 %has, label %done, label %new
new:
  %up = add i64 %size, 4095
  %capacity = and i64 %up, -4096
  %bytes = add i64 %capacity, 4096
  %made = call ptr @aligned_alloc(i64 {huge_page}, i64 %bytes)
  %failed = icmp eq ptr %made, null
  br i1 %failed, label %nothing, label %advise
advise:
  %whole = and i64 %bytes, -{huge_page}
  {huge_pages}
  store i64 %capacity, ptr %made, align 8
  br label %done
done:
  %block = phi ptr [ %old, %entry ], [ %made, %advise ]
  %data = getelementptr i8, ptr %block, i64 {offset}
  ret ptr %data
nothing:
  ret ptr null
}}

define void @{free}(ptr %context, ptr %data, i64 %size) {{
entry:
  %none = icmp eq ptr %data, null
  br i1 %none, label %done, label %some
some:
  %block = getelementptr i8, ptr %data, i64 -{offset}
  %capacity = load i64, ptr %block, align 8
  %before = atomicrmw add ptr @kept, i64 %capacity monotonic
  %large = icmp ugt i64 %capacity, {limit}
  br i1 %large, label %away, label %offer
away:
  call void @drop(ptr %block)
  br label %done
offer:
  %waiting = add i64 %before, %capacity
  %much = icmp ugt i64 %waiting, {quiet}
  br i1 %much, label %tell, label %room
tell:
  {reclaimable}
  store i64 %capacity, ptr %block, align 8
  br label %room
room:
  %k = phi i64 [ 0, %offer ], [ 0, %tell ], [ %k.next, %evict ]
  %total = load atomic i64, ptr @kept monotonic, align 8
  %over = icmp ugt i64 %total, {limit}
  %again = icmp ult i64 %k, {slots}
  %full = and i1 %over, %again
  br i1 %full, label %evict, label %put
evict:
  %k.next = add i64 %k, 1
  %turn = atomicrmw add ptr @turn, i64 1 monotonic
  %oldest = and i64 %turn, {mask}
  %place = getelementptr ptr, ptr @slots, i64 %oldest
  %victim = atomicrmw xchg ptr %place, ptr null acq_rel
  call void @drop(ptr %victim)
  br label %room
put:
  %i = phi i64 [ 0, %room ], [ %next, %occupied ]
  %more = icmp ult i64 %i, {slots}
  br i1 %more, label %try, label %replace
try:
  %slot = getelementptr ptr, ptr @slots, i64 %i
  %stored = cmpxchg ptr %slot, ptr null, ptr %block acq_rel monotonic
  %kept = extractvalue {{ ptr, i1 }} %stored, 1
  br i1 %kept, label %done, label %occupied
occupied:
  %next = add i64 %i, 1
  br label %put
replace:
  %turn2 = atomicrmw add ptr @turn, i64 1 monotonic
  %oldest2 = and i64 %turn2, {mask}
  %place2 = getelementptr ptr, ptr @slots, i64 %oldest2
  %other = atomicrmw xchg ptr %place2, ptr %block acq_rel
  call void @drop(ptr %other)
  br label %done
done:
  ret void
}}

define ptr @{calloc}(ptr %context, i64 %count, i64 %each) {{
entry:
  %product = call {{ i64, i1 }} @llvm.umul.with.overflow.i64(i64 %count, i64 %each)
  %size = extractvalue {{ i64, i1 }} %product, 0
  %beyond = extractvalue {{ i64, i1 }} %product, 1
  br i1 %beyond, label %nothing, label %fine
fine:
  %data = call ptr @{allocate}(ptr %context, i64 %size)
  %failed = icmp eq ptr %data, null
  br i1 %failed, label %nothing, label %clear
clear:
  call void @llvm.memset.p0.i64(ptr %data, i8 0, i64 %size, i1 false)
  ret ptr %data
nothing:
  ret ptr null
}}

define ptr @{realloc}(ptr %context, ptr %data, i64 %size) {{
entry:
  %new = call ptr @{allocate}(ptr %context, i64 %size)
  %failed = icmp eq ptr %new, null
  %none = icmp eq ptr %data, null
  %ready = or i1 %failed, %none
  br i1 %ready, label %done, label %move
move:
  %block = getelementptr i8, ptr %data, i64 -{offset}
  %capacity = load i64, ptr %block, align 8
  %count = call i64 @llvm.umin.i64(i64 %capacity, i64 %size)
  call void @llvm.memcpy.p0.p0.i64(ptr %new, ptr %data, i64 %count, i1 false)
  call void @{free}(ptr %context, ptr %data, i64 %capacity)
  br label %done
done:
  ret ptr %new
}}
"""


def result_memory_text(huge_pages: int | None, reclaimable: int | None) -> str:
    """The module of the four functions, whose arguments are those of NumPy's `PyDataMemAllocator`.

    Args:
        huge_pages: the system's number of `MADV_HUGEPAGE`; None where it has none.
        reclaimable: that of `MADV_FREE`.
    """

    def advise(size: str, advice: int | None, block: str) -> str:
        return "" if advice is None else f"call i32 @madvise(ptr {block}, i64 {size}, i32 {advice})"

    return _TEXT.format(
        allocate=ALLOCATE,
        calloc=CALLOC,
        realloc=REALLOC,
        free=FREE,
        slots=SLOTS,
        mask=SLOTS - 1,
        limit=LIMIT,
        quiet=QUIET,
        huge_page=_HUGE_PAGE,
        offset=_OFFSET,
        huge_pages=advise("%whole", huge_pages, "%made"),
        reclaimable=advise("%capacity", reclaimable, "%block"),
    )
