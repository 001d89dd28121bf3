"""wirelab: play network-programming exercises for real, watch every packet, and explain what was seen."""

__version__ = "0.1.0"
