#!/bin/sh
# SPDX-License-Identifier: MIT
# demo.sh METHOD IMAGE: smooths IMAGE, or a procedural scene if it is empty, and makes the sheet of
# several methods side by side. PLANISH is the command.
set -eu
planish=${PLANISH:-build/planish}
method=$1
image=$2
if [ -z "$image" ]; then
    image=result-input.png
    "$planish" -q sample pair --seed 7 -o "$image"
fi
"$planish" smooth "$image" -o result.png -m "$method"
"$planish" compare "$image" -m gf -m rgf -m "$method" -o result-sheet.png
echo
echo "input:        $image"
echo "result:       $PWD/result.png  ($method)"
echo "side by side: $PWD/result-sheet.png, $PWD/result-sheet.html (with a slider)"
echo "another one:  $planish smooth $image -o out.png -m l0 --strength 0.7"
