"""Having LAPACK work on the thread that calls it alone, as LLVM text.

OpenBLAS's threads wait for each other by asking for the processor again and again. Where other processes want it too,
a decomposition of half a millisecond takes a hundred, and threads gain little there even where nobody else is. So
matrices of fewer than `ALONE_BELOW` rows and columns are factored on one thread; larger ones get OpenBLAS's threads.

`void begin()` and `void end()` stand around calls of LAPACK. The number of threads is the whole library's: the first of
several callers sets it to one, the last one puts back what the first one found. Nothing is locked: what callers that
begin and end at the same time can do is to run with more threads than one, and the number is right when all have ended.
"""

from __future__ import annotations

from tapec.passes.lapack.names import ALONE_BEGIN, ALONE_END, GET_THREADS, SET_THREADS


def unknown_threads_text() -> str:
    """The module of both for another library than OpenBLAS, whose threads are left to themselves."""
    return f"define void @{ALONE_BEGIN}() {{ ret void }}\ndefine void @{ALONE_END}() {{ ret void }}\n"


def own_threads_text() -> str:
    """The module of both for OpenBLAS."""
    return f"""
declare i32 @{GET_THREADS}()
declare void @{SET_THREADS}(i32)

@callers = internal global i32 0, align 4
@found = internal global i32 0, align 4

define void @{ALONE_BEGIN}() {{
  %before = atomicrmw add ptr @callers, i32 1 acq_rel
  %first = icmp eq i32 %before, 0
  br i1 %first, label %ask, label %done
ask:
  %threads = call i32 @{GET_THREADS}()
  %several = icmp sgt i32 %threads, 1
  br i1 %several, label %take, label %done
take:
  store atomic i32 %threads, ptr @found release, align 4
  call void @{SET_THREADS}(i32 1)
  br label %done
done:
  ret void
}}

define void @{ALONE_END}() {{
  %before = atomicrmw sub ptr @callers, i32 1 acq_rel
  %last = icmp eq i32 %before, 1
  br i1 %last, label %ask, label %done
ask:
  %threads = atomicrmw xchg ptr @found, i32 0 acq_rel
  %several = icmp sgt i32 %threads, 1
  br i1 %several, label %give, label %done
give:
  call void @{SET_THREADS}(i32 %threads)
  br label %done
done:
  ret void
}}
"""
