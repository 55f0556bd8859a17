# SPDX-License-Identifier: MIT
# Formats, depth, transparency, colour: the flags reach the library.
pgm 96 64 >a.pgm
rgba() { # 6x4 RGBA, 8 bits; the last column is transparent
    npy '|u1' '4, 6, 4'
    awk 'BEGIN { for (y = 0; y < 4; y++) for (x = 0; x < 6; x++) {
        printf "%03o %03o %03o %03o ", 1 + x * 40, 1 + y * 60, 1 + (x * y * 17) % 200, x == 5 ? 0 : 255 } }' |
        tr ' ' '\n' | while read -r octal; do printf "\\$octal"; done
}
rgba >rgba.npy
magic() { od -An -c -N4 "$1" | tr -s ' '; }
say 'the extension names the format, --format wins'
for e in png jpg tif webp ppm npy; do s smooth a.pgm -m wls -o a.$e && magic a.$e; done
s smooth a.pgm -m wls -o odd.png --format tiff && magic odd.png
s smooth a.pgm -m wls -o odd.data --format png && magic odd.data
s smooth a.png -m wls --format jpg && files | grep jpg
say depth
for d in keep 8 16; do s smooth a.pgm -m wls -o d.png --depth $d && od -An -tu1 -j24 -N1 d.png; done
for d in 8 16 f32; do s smooth a.pgm -m wls -o d.npy --depth $d && header d.npy; done
t smooth a.pgm -m wls -o d.png --depth f32
t smooth a.npy -m wls -o d.jpg
t -q smooth a.npy -m wls -o d.jpg
say quality
s smooth a.pgm -m wls -o q95.jpg --quality 95
s smooth a.pgm -m wls -o q20.jpg --quality 20
[ "$(wc -c <q20.jpg)" -lt "$(wc -c <q95.jpg)" ] && echo smaller
say transparency
for v in keep filter drop; do s smooth rgba.npy -m wls --transparency $v -o t-$v.npy --depth 8 && header t-$v.npy; done
same t-keep.npy t-filter.npy
say 'channels, space, range'
s smooth rgba.npy -m wls -o rgb.npy
for v in luma lab; do s smooth rgba.npy -m wls --channels $v -o c.npy; same rgb.npy c.npy; done
s smooth rgba.npy -m wls --space linear -o c.npy
same rgb.npy c.npy
npy '<f4' '1, 4' >bright.npy
printf '\000\000\200\077\000\000\000\100\000\000\200\076\000\000\240\100' >>bright.npy
s smooth bright.npy -m ils -o b1.npy
s smooth bright.npy -m ils --range as-is -o b2.npy
same b1.npy b2.npy
say 'rows of a damaged file'
s smooth a.pgm -m wls -o whole.jpg --quality 95
head -c $(($(wc -c <whole.jpg) / 2)) whole.jpg >cut.jpg
t smooth cut.jpg -m wls -o cut.npy 2>&1 | sed 's/[0-9]* %/N %/'
t smooth cut.jpg -m wls -o cut.npy --allow-truncated 2>&1 | sed 's/[0-9]* %/N %/'
header cut.npy
say pages
t smooth a.pgm -m wls -o c.npy --page 1
t smooth a.pgm -m wls -o c.npy --page 2
