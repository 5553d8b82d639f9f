import numpy as np

from spinetk.boxes import box_iou, mask_box


def test_mask_box_has_exclusive_right_and_lower_edge() -> None:
    mask = np.zeros((9, 9), dtype=bool)
    mask[2:5, 3:8] = True
    assert mask_box(mask) == (3.0, 2.0, 8.0, 5.0)


def test_iou_of_equal_disjoint_and_half_overlapping_boxes() -> None:
    a = np.array([[0, 0, 10, 10]])
    b = np.array([[0, 0, 10, 10], [20, 20, 30, 30], [5, 0, 15, 10]])
    np.testing.assert_allclose(box_iou(a, b), [[1, 0, 50 / 150]])


def test_empty_lists_of_boxes_give_an_empty_table() -> None:
    assert box_iou(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)
