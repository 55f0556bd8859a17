# SPDX-License-Identifier: MIT
# metric: all scores, limits, several references.
s sample pair --seed 3 --size 48x40 -o in.png --truth truth.png
all=psnr,ssim-a,ssim-b,ssim-c,mae,rmse,edges,reversals
t metric in.png truth.png
t metric in.png truth.png --scores $all
t metric truth.png truth.png --scores $all
t metric in.png truth.png --json --scores edges,reversals | sed -E 's/([0-9]\.[0-9]{6})[0-9]*/\1/'
t metric in.png truth.png --min psnr=30 --max reversals=.1
t metric in.png truth.png in.png --votes 3,1
t metric in.png truth.png --scores edge
t metric in.png truth.png --scores fan-smoth
