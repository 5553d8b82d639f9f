"""A segmentation as files that people and other software read, a module for each format."""
