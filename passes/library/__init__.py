"""Steps that are no loop nests: one emitter per primitive, in `tapec.passes.library.table`."""
