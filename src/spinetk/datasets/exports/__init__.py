"""Data sets and results in the layouts of other programs."""
