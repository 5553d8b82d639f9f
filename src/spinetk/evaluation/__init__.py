"""Compare what a network finds with reference annotations."""
