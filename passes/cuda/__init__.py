"""The NVIDIA target: loop nests as kernels of grids, blocks and threads."""
