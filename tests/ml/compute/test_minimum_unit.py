import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from ml.compute.minimum_unit import apply_minimum_unit, merge_small_patches
from ml.compute.patch_labels import find_patches, label_patches

small_maps = arrays(np.uint16, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3))


def classes_of(patches):
    return patches.values[patches.labels]


def merge_slowly(classes, mmu_px):
    """The rule read off its sentence: each group of small patches by itself, among the large ones as mapped."""
    labels, sizes = label_patches(classes)
    groups, count = ndimage.label((sizes < mmu_px)[labels] & (labels > 0))
    merged = classes.copy()
    for group in range(1, count + 1):
        merged[groups == group] = merge_group(classes, labels.copy(), groups == group, mmu_px)[groups == group]
    return merged


def merge_group(classes, labels, group, mmu_px):
    values = {int(label): int(classes[labels == label][0]) for label in np.unique(labels[labels > 0])}
    while True:
        sizes = {label: int((labels == label).sum()) for label in values}
        small = sorted((size, label) for label, size in sizes.items() if size < mmu_px and group[labels == label].any())
        for _, label in small:
            borders = shared_borders(labels, label)
            if borders:
                break
        else:
            return np.vectorize(lambda label: values.get(label, 0))(labels)
        best = max(borders, key=lambda other: (borders[other], sizes[other], -other))
        joining = [label, *(other for other in borders if values[other] == values[best] and other != best)]
        for other in joining:
            labels[labels == other] = best
            del values[other]


def shared_borders(labels, label):
    borders = {}
    padded = np.pad(labels, 1)
    for row, column in np.argwhere(padded == label):
        for neighbour in (
            padded[row - 1, column],
            padded[row, column - 1],
            padded[row, column + 1],
            padded[row + 1, column],
        ):
            if neighbour not in (0, label):
                borders[int(neighbour)] = borders.get(int(neighbour), 0) + 1
    return borders


@given(small_maps)
@settings(deadline=None, max_examples=150)
def test_patches_are_the_4_connected_components_of_each_class(classes):
    labels, sizes = label_patches(classes)
    expected = sum(ndimage.label(classes == value)[1] for value in np.unique(classes) if value)
    assert sizes.size - 1 == expected
    assert sizes[1:].sum() == (classes > 0).sum()
    firsts = [np.flatnonzero(labels.ravel() == label)[0] for label in range(1, sizes.size)]
    assert firsts == sorted(firsts)


@given(small_maps, st.integers(0, 9))
@settings(deadline=None, max_examples=200)
def test_the_fast_merge_does_what_the_rule_says(classes, mmu_px):
    patches = apply_minimum_unit(classes, mmu_px=mmu_px)
    np.testing.assert_array_equal(classes_of(patches), merge_slowly(classes, mmu_px))


@given(small_maps, st.integers(0, 9), st.integers(1, 5))
@settings(deadline=None, max_examples=150)
def test_the_answer_does_not_depend_on_where_strips_are_cut(classes, mmu_px, rows):
    def strips():
        return ((first, classes[first : first + rows]) for first in range(0, classes.shape[0], rows))

    whole = apply_minimum_unit(classes, mmu_px=mmu_px)
    unit = merge_small_patches(find_patches(strips), mmu_px=mmu_px)
    np.testing.assert_array_equal(np.vstack([labels for _, _, labels in unit.patches.labelled()]), whole.labels)
    np.testing.assert_array_equal(unit.patches.values, whole.values)
    np.testing.assert_array_equal(unit.patches.sizes, whole.sizes)
    assert (unit.merged, unit.isolated) == (whole.merged, whole.isolated)


@given(small_maps, st.integers(0, 9))
@settings(deadline=None, max_examples=200)
def test_only_patches_isolated_by_no_data_stay_under_the_unit(classes, mmu_px):
    patches = apply_minimum_unit(classes, mmu_px=mmu_px)
    small = [label for label in range(1, patches.sizes.size) if patches.sizes[label] < mmu_px]
    assert patches.isolated == len(small)
    assert all(not shared_borders(patches.labels, label) for label in small)
    np.testing.assert_array_equal(patches.labels == 0, classes == 0)
    np.testing.assert_array_equal(np.bincount(patches.labels.ravel())[1:], patches.sizes[1:])
    again, _ = label_patches(classes_of(patches))
    np.testing.assert_array_equal(again, patches.labels)


def test_a_small_patch_joins_the_neighbour_with_the_longest_border():
    classes = np.full((5, 6), 1, np.uint16)
    classes[:, 3:] = 2
    classes[1:3, 3] = 3  # 2 sides touch class 1, 4 sides touch class 2
    patches = apply_minimum_unit(classes, mmu_px=3)
    assert classes_of(patches)[1:3, 3].tolist() == [2, 2]


def test_of_equal_borders_the_larger_neighbour_wins():
    classes = np.array([[1, 1, 3, 2, 2, 2]], np.uint16)
    patches = apply_minimum_unit(classes, mmu_px=2)
    assert classes_of(patches).tolist() == [[1, 1, 2, 2, 2, 2]]


def test_a_merge_that_reunites_a_class_makes_one_patch():
    classes = np.array([[1, 1, 2, 1, 1]], np.uint16)
    patches = apply_minimum_unit(classes, mmu_px=2)
    assert patches.sizes.tolist() == [0, 5]
    assert patches.merged == 2


def test_an_island_in_no_data_is_kept_and_counted():
    classes = np.zeros((5, 5), np.uint16)
    classes[2, 2] = 7
    patches = apply_minimum_unit(classes, mmu_px=4)
    assert patches.isolated == 1
    assert classes_of(patches)[2, 2] == 7


def test_two_small_patches_of_an_island_become_one():
    classes = np.zeros((3, 6), np.uint16)
    classes[1, 1:3] = 7
    classes[1, 3] = 8
    patches = apply_minimum_unit(classes, mmu_px=4)
    assert classes_of(patches)[1, 1:4].tolist() == [7, 7, 7]
    assert (patches.merged, patches.isolated) == (1, 1)


def test_a_map_without_data_has_no_patch():
    patches = apply_minimum_unit(np.zeros((4, 4), np.uint16), mmu_px=4)
    assert patches.sizes.tolist() == [0]
    assert (patches.merged, patches.isolated) == (0, 0)
