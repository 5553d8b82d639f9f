"""Bring other annotation formats into the project's data set layout: one file a format."""
