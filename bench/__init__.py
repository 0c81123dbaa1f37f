"""Benchmarks: tapec beside its peers, in one run. `tapec bench`, from a clone of the repository."""
