from pydicom.dataset import Dataset

from spinetk.datasets.converters.seg_references import referred, referred_series, says_no_frame


def frame(*numbers: object) -> Dataset:
    """A frame that refers to a file once for each: a number, numbers, or None for none."""
    group, derived = Dataset(), Dataset()
    derived.SourceImageSequence = []
    for number in numbers:
        source = Dataset()
        source.ReferencedSOPInstanceUID = "1.2"
        if number is not None:
            source.ReferencedFrameNumber = number
        derived.SourceImageSequence.append(source)
    group.DerivationImageSequence = [derived]
    return group


def test_frames_are_meant_by_number() -> None:
    assert referred(frame(3)) == [("1.2", 3)]
    assert referred(frame([2, 5])) == [("1.2", 2), ("1.2", 5)]
    assert referred(Dataset()) == []
    # of a file of one frame, whether or not it counts as multi-frame
    assert referred(frame(None)) == [("1.2", None), ("1.2", 1)]


def test_a_reference_without_a_number_is_told() -> None:
    assert says_no_frame(frame(None)) and not says_no_frame(frame(1))
    assert not says_no_frame(Dataset())


def test_the_series_of_the_whole() -> None:
    whole, item = Dataset(), Dataset()
    item.SeriesInstanceUID = "1.3"
    whole.ReferencedSeriesSequence = [item]
    assert referred_series(whole) == {"1.3"} and referred_series(Dataset()) == set()
