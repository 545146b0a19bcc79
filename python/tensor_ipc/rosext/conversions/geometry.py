"""geometry_msgs: vectors, points, quaternions, poses, transforms, twists, accels and wrenches.

Each with its Stamped form and the one with a covariance where there is one. Numbers are in the
order of the message: quaternions are x, y, z, w.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tensor_ipc.rosext.conversions.record import Part, record

if TYPE_CHECKING:
    from tensor_ipc.rosext.conversions.options import Converter

_VECTOR = ("x", "y", "z")
_QUATERNION = ("x", "y", "z", "w")


def under(name: str, leaves: tuple[str, ...]) -> tuple[str, ...]:
    """Return the places of `leaves` in the message that has them in the field `name`."""
    return tuple(f"{name}.{leaf}" for leaf in leaves)


POSE = under("position", _VECTOR) + under("orientation", _QUATERNION)
_TRANSFORM = under("translation", _VECTOR) + under("rotation", _QUATERNION)
TWIST = under("linear", _VECTOR) + under("angular", _VECTOR)
_WRENCH = under("force", _VECTOR) + under("torque", _VECTOR)

# name of the type, the field that holds it in the Stamped form, its numbers
_PLAIN = (
    ("Vector3", "vector", _VECTOR),
    ("Point", "point", _VECTOR),
    ("Quaternion", "quaternion", _QUATERNION),
    ("Pose", "pose", POSE),
    ("Transform", "transform", _TRANSFORM),
    ("Twist", "twist", TWIST),
    ("Accel", "accel", TWIST),
    ("Wrench", "wrench", _WRENCH),
)
_WITH_COVARIANCE = (
    ("Pose", "pose", POSE),
    ("Twist", "twist", TWIST),
    ("Accel", "accel", TWIST),
)
_TEXTS = {"Transform": ("child_frame_id",)}


def _converters() -> dict[str, Converter]:
    found = {
        "Point32": record(Part("point", _VECTOR), dtype=np.float32),
        "Pose2D": record(Part("pose", ("x", "y", "theta"))),
    }
    for name, field, leaves in _PLAIN:
        found[name] = record(Part(field, leaves))
        found[f"{name}Stamped"] = record(
            Part(field, under(field, leaves)), texts=_TEXTS.get(name, ())
        )
    for name, field, leaves in _WITH_COVARIANCE:
        found[f"{name}WithCovariance"] = record(
            Part(field, under(field, leaves)), Part("covariance", ("covariance",), 36)
        )
        found[f"{name}WithCovarianceStamped"] = record(
            Part(field, under(f"{field}.{field}", leaves)),
            Part("covariance", (f"{field}.covariance",), 36),
        )
    return {f"geometry_msgs/msg/{name}": converter for name, converter in found.items()}


CONVERTERS = _converters()
