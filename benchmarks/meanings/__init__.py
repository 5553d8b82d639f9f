"""Valid studies stored in other ways: what is stored, how, and how what comes out is held against it."""
