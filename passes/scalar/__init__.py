"""Machine code of the elementwise primitives, one row each: `tapec.passes.scalar.table`."""
