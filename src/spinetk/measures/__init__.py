"""Measures of a result: first-order features, sizes, and the table of both."""
