"""One module per library: how its users differentiate, compile, and wait for results."""
