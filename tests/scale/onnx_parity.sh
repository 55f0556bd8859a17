#!/bin/sh
# SPDX-License-Identifier: MIT
# onnx_parity.sh PLANISH ONNX_CASE SCRIPT: the script with the Python that has what it needs.
python=${PLANISH_PYTHON:-python3}
command -v "$python" >/dev/null || exit 77
exec "$python" "$3" "$1" "$2"
