"""Values with their gradients written by hand, for Numba or in C: what the hardware allows, more or less."""
