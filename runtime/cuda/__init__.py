"""What runs the NVIDIA target: PTX, the emulation on the host, and the search for a device."""
