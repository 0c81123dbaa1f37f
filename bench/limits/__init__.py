"""Values with their gradients written by hand for Numba: what the hardware allows, more or less."""
