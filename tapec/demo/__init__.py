"""`tapec demo`: a classifier of handwritten digits whose whole training step is one compiled function.

Needs the extra `demo` (scikit-learn, matplotlib, rich). `model` is written as a user would write it.
"""
