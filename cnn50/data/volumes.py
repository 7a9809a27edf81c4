"""Volumes: pictures with three axes in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnn50.data.access import path
from cnn50.data.errors import MissingPackageError
from cnn50.data.split import Array


@dataclass(frozen=True)
class Brain:
    """An average brain and its tissue.

    Attributes:
        t1: uint8 (197, 233, 189) in 0 to 255, brightness in a T1-weighted scan.
        grey, white: uint8 of the same shape; 255 means surely grey (white) matter, 0 surely not.

    The axes run from left to right, from back to front, and upwards; a voxel is 1 mm wide.
    """

    t1: Array
    grey: Array
    white: Array


def brain() -> Brain:
    """The average of 152 aligned brain scans, with maps of grey and white matter.

    Returns:
        three arrays uint8 (197, 233, 189) in 0 to 255.

    Raises:
        MissingPackageError: nibabel is not installed.

    Licence: free use with the copyright notice. Credit: Louis Collins, McConnell Brain Imaging
    Centre, Montreal Neurological Institute, McGill University.
    """
    try:
        from nibabel.nifti1 import Nifti1Image
    except ImportError as error:
        raise MissingPackageError("Reading brain volumes needs `pip install nibabel`.") from error
    t1, grey, white = (
        np.asarray(Nifti1Image.from_filename(path("brain", f"{name}.nii.gz")).dataobj)
        for name in ("t1", "grey", "white")
    )
    return Brain(t1, grey, white)
