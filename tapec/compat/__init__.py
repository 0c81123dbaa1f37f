"""tapec under the names of other libraries: each is a thin package of names, without meaning of its own."""
