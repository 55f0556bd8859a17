# SPDX-License-Identifier: MIT
# compare: sheet and page, flags that belong to a method, what may not be overwritten.
s sample pair --seed 3 --size 48x40 -o in.png --truth truth.png
s sample pair --seed 3 --size 40x48 -o other.png
say 'sheet and page, only the page, only the sheet'
t compare in.png -m gf --radius 3 -m gf:default -m rtv -o sheet.png
t compare in.png -m rtv --vary lambda=.005,1/50 --ref truth.png -o page.html
t compare in.png -m gf --guide truth.png -o one.png --no-html --crop 16x16+8+8 --columns 1 --panel 64
grep -c '<html' sheet.html page.html
planish compare in.png -m rtv --vary lambda=.005,1/50 --ref truth.png -o s.png --json |
    grep -E '"(schema|input|sheet|page|label|lambda)"'
s smooth in.png -m rtv --lambda .02 -o rtv.png
s compare in.png -m rtv --vary lambda=.02 --ref rtv.png -o s.png --json | grep -o '"ssim-a": 0.999'
files
say mistakes
t compare
t compare in.png -o s.png
t compare in.png -m rtv
t compare in.png -m nope -o s.png
t compare in.png -m rtv -o s.nope
t compare in.png -m rtv -o s.html --no-html
t compare in.png --lambda .02 -m rtv -o s.png
t compare in.png -m rtv --lambda 3 -o s.png
t compare in.png -m rtv --radius 3 -o s.png
t compare in.png -m rtv --vary lambda=1,x -o s.png
t compare in.png -m rtv --vary foo=1 -o s.png
t compare in.png -m rtv -m l0 --vary lambda=.1 -o s.png
t compare in.png -m rtv -o s.png --crop 10x10+400+0
t compare in.png -m rtv -o s.png --crop 10x10
t compare in.png -m rtv -o s.png --ref other.png
t compare in.png -m gf -o s.png --guide other.png
t compare missing.png -m gf -o s.png
t compare in.png -m gf -o nowhere/s.png
say 'inputs are not written over'
t compare in.png -m gf -o in.png
t compare in.png -m gf -o ./truth.png --ref truth.png
s smooth in.png -m gf -o again.png
t compare in.png -m gf --guide again.png -o again.png
