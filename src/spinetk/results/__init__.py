"""Results on disk: their record, keys and folders, written and opened again."""
