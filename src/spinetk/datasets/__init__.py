"""Annotated images: read, checked, divided by patient, written."""
