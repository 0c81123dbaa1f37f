"""Linear algebra in machine code: one routine per primitive and dtype around LAPACK's, called by eager runs too."""
