#!/usr/bin/env bash
# Makes the environment in which test_ros2_numpy.py runs ros2_numpy: it needs a NumPy of its own.
#
#   tests/python/ros/conversions/make_ros2_numpy_environment.sh [PYTHON]    3.10 or 3.11
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../../.."

readonly FOLDER=.venv-ros2-numpy
"${1:-python3}" -m venv "$FOLDER"
# Without its dependencies: it asks for one more package that it does not use.
"$FOLDER/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    ros2_numpy==0.0.5 numpy==1.24.2 transformations==2022.9.26
