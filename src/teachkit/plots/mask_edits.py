"""Four ways to change a mask of numbered objects: drop the smallest, merge, grow or shrink, shift."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

REACH = 20  # pixels; objects farther apart are no neighbours

Gap = tuple[float, int, int]  # distance in pixels between two objects, and their numbers
Instances = NDArray[np.int64]


def neighbours(instances: Instances) -> list[Gap]:
    """Pairs of objects no farther apart than `REACH`, the closest first; 1 means that they touch."""
    found = []
    for number, box in enumerate(ndimage.find_objects(instances), 1):
        if box is None:
            continue
        window = tuple(slice(max(0, side.start - REACH), side.stop + REACH) for side in box)
        around = instances[window]
        distance = ndimage.distance_transform_edt(around != number)
        for other in np.unique(around[(around > number) & (distance <= REACH)]):
            found.append((float(distance[around == other].min()), number, int(other)))
    return sorted(found)


def without_smallest(instances: Instances, share: float) -> Instances:
    """The mask without the given share of its objects, the smallest first; of equal ones the lower number."""
    numbers, areas = np.unique(instances[instances > 0], return_counts=True)
    smallest = numbers[np.argsort(areas, kind="stable")[: round(share * len(numbers))]]
    return np.where(np.isin(instances, smallest), 0, instances)


def merged(instances: Instances, count: int, gaps: Sequence[Gap]) -> Instances:
    """The mask after `count` times joining the two closest objects that are still apart, by a bridge."""
    result = instances.copy()
    present = set(np.unique(instances).tolist())
    name = {number: number for number in present}  # object → the one it has become part of
    for gap, first, second in gaps:
        if count == 0:
            break
        if not {first, second} <= present or name[first] == name[second]:
            continue
        _fill(result, instances, first, second, gap)
        low, high = sorted((name[first], name[second]))
        result[result == high] = low
        name = {number: low if value == high else value for number, value in name.items()}
        count -= 1
    return result


def grown(instances: Instances, pixels: int) -> Instances:
    """Every object wider by so many pixels on all sides, or narrower; neighbours stop where they meet."""
    if pixels > 0:
        distance, nearest = ndimage.distance_transform_edt(instances == 0, return_indices=True)
        return np.where(distance <= pixels, instances[tuple(nearest)], 0)
    if pixels < 0:
        rows, columns = np.ogrid[pixels : 1 - pixels, pixels : 1 - pixels]
        disk = rows**2 + columns**2 <= pixels**2
        # An object keeps a pixel when nothing else lies within reach; the picture's edge counts as its own.
        lowest, highest = (
            rule(instances, footprint=disk, mode="nearest")
            for rule in (ndimage.minimum_filter, ndimage.maximum_filter)
        )
        return np.where(lowest == highest, instances, 0)
    return instances


def shifted(instances: Instances, pixels: int) -> Instances:
    """All objects moved to the right by so many pixels (to the left when negative)."""
    result = np.zeros_like(instances)
    width = instances.shape[1]
    if abs(pixels) < width:
        result[:, max(0, pixels) : width + min(0, pixels)] = instances[
            :, max(0, -pixels) : width + min(0, -pixels)
        ]
    return result


def _fill(result: Instances, instances: Instances, first: int, second: int, gap: float) -> None:
    """Give the background on the shortest ways between two objects to the first, in place."""
    rows, columns = np.nonzero((instances == first) | (instances == second))
    window = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    around = instances[window]
    detour = sum(ndimage.distance_transform_edt(around != number) for number in (first, second))
    bridge = (detour <= gap + 1) & (result[window] == 0)
    result[window][bridge] = result[instances == first][0]
