# SPDX-License-Identifier: MIT
# Video: YUV4MPEG2 through standard input and output, frame by frame.
# video COLOUR BYTES: two frames of 5x3.
video() {
    printf 'YUV4MPEG2 W5 H3 F25:1 Ip A1:1 %s\n' "$1"
    for f in 1 2; do
        printf 'FRAME\n'
        awk -v n="$2" -v f=$f -v wide="$3" 'BEGIN {
            for (i = 0; i < n; i++) { printf "%c", 17 + (i * 11 + f * 29) % 100; if (wide) printf "\001" }
        }'
    done
}
LC_ALL=C
export LC_ALL
video C420jpeg 27 >420.y4m
video 'C422 XCOLORRANGE=FULL' 33 >422.y4m
video C444 45 >444.y4m
video Cmono 15 >mono.y4m
video C420p10 27 wide >420p10.y4m
say 'nothing to do: the same bytes'
for v in 420 422 444 mono 420p10; do
    planish smooth - -o - -m wls --lambda 0 <$v.y4m >out.y4m
    same $v.y4m out.y4m
done
say 'files; one result for files and streams'
t smooth 444.y4m -m wls
planish smooth - -m wls <444.y4m >stream.y4m
same 444.wls.y4m stream.y4m
same 444.y4m stream.y4m
cmp 444.y4m stream.y4m | wc -l
t --json smooth mono.y4m -o mono2.y4m -m wls
t smooth 420.y4m -m wls --dry-run
t smooth 420.y4m -m wls --no-clobber -o stream.y4m -v 2>&1 | grep alone
say mistakes
head -c 100 420.y4m >cut.y4m
t smooth cut.y4m -m wls -o out2.y4m
video C410 15 >410.y4m
t smooth 410.y4m -m wls -o out2.y4m
printf 'YUV4MPEG2 F25:1\n' >nosize.y4m
t smooth nosize.y4m -m wls -o out2.y4m
echo hello >text.y4m
t smooth text.y4m -m wls -o out2.y4m
t smooth 420.y4m -m wls -o out2.png
t smooth 420.y4m -m wls --detail d.y4m -o out2.y4m
t smooth 420.y4m 422.y4m -m wls -o out2.y4m
t smooth 420.y4m -m wls -o 420.y4m
t smooth 420.y4m -m wls -o nowhere/out2.y4m
t smooth missing.y4m -m wls -o out2.y4m
files
