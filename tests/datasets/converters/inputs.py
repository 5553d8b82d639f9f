BODY_BOX = (30, 20, 60, 60)


def corners(top: int, left: int, bottom: int, right: int) -> list[list[float]]:
    """In the convention where a pixel's area runs from its number to the next."""
    return [[left, top], [right, top], [right, bottom], [left, bottom]]
