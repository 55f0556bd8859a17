# SPDX-License-Identifier: MIT
# dataset: made, checked, described, shown; the same files for any -j; what is damaged is named.
small="--count 4 --texture-count 3 --size 64x48 --seed 7"
t dataset make scenes -o a $small -j 1
t dataset make scenes -o b $small -j 3
same a/manifest.json b/manifest.json
(cd a && files)
t dataset check a
t dataset stats a
t dataset stats a --json | sed -E 's/([0-9]\.[0-9]{4})[0-9]*/\1/g; /"hash"/d'
t dataset show a -o sheet.png --part test --pairs 2
head -c 24 sheet.png | od -An -tu1 -j16
t dataset make scenes -o a $small

say killed, and gone on with
timeout -s KILL .1 planish dataset make scenes -o k $small --size 96x96 >/dev/null 2>&1
[ -e k/manifest.json ] || planish dataset make scenes -o k $small --size 96x96 >/dev/null
s dataset make scenes -o l $small --size 96x96 >/dev/null
same k/manifest.json l/manifest.json

say a published split, pairs written as the authors did
t dataset make scenes -o c $small --split published --materialize
head -2 c/concat/pairs.tsv
t dataset check c/concat
t dataset stats c/concat --pairs 2

say textures alone
t dataset make textures -o tx --texture-count 3 --seed 1
t dataset show tx -o sheet.png

say damage
printf x >>a/gt/scene0001.png
rm a/edge/scene0002.png
t dataset check a 2>&1 | sed -E 's/[0-9a-f]{12}/SUM/g'
head -c 100 a/manifest.json >m && cp m a/manifest.json
t dataset stats a
rm b/manifest.json
t dataset stats b

say sets from photographs
mkdir photos labels rough
for k in 1 2 3 4 5 6; do
    awk -v k=$k 'BEGIN {
        print "P2\n64 56\n255"
        for (y = 0; y < 56; y++)
            for (x = 0; x < 64; x++)
                print (x > 30 + k && x < 50 && y > 20 && y < 40) ? 200 : 80 + int(x / 5) + k
    }' >photos/p$k.pgm
    cp photos/p$k.pgm rough/
done
echo "no picture" >photos/p7.png
t dataset make sps -o d --photos photos --texture-count 6 --easy 1 --seed 9
head -3 d/screening.tsv
t dataset show d --rejected --photos photos -o sheet.png
t dataset show d --rejected -o sheet.png
t dataset show c --rejected --photos photos -o sheet.png
t dataset make voc-smooth -o e --photos photos --labels labels
t dataset make voc-smooth -o e --photos photos
t dataset make sps -o e
t dataset make scenes -o e --photos photos
mkdir bad && for k in 1 2 3; do echo "no picture" >bad/p$k.png; done
t dataset make sps -o e --photos bad --easy 1

say the weights of the grey of coloured textures, as the authors took them
mkdir colours
for k in 1 2 3; do
    awk -v k=$k 'BEGIN {
        print "P3\n32 32\n255"
        for (y = 0; y < 32; y++)
            for (x = 0; x < 32; x++)
                print (x + k) % 5 * 50, (y + x) % 3 * 90, (2 * y + k) % 7 * 30
    }' >colours/c$k.ppm
done
for bgr in '' --bgr-weights; do
    rm -rf g
    s -q dataset make scenes -o g --count 4 --size 64x48 --seed 7 --textures colours --materialize $bgr >/dev/null
    grep -c bgr_weights g/manifest.json
    cut -f2-6 g/concat/pairs.tsv | tail -1
    cut -f7 g/concat/pairs.tsv >"sums$bgr"
done
cmp -s sums sums--bgr-weights && echo the same
grep -c texture_count g/manifest.json; grep -o '"texture_count": [0-9]*' c/manifest.json

say usage
t dataset make scene -o e
t dataset mkae scenes
t dataset make scenes
t dataset make scenes -o e --size 8x8
t dataset show c -o sheet.png --part tests
t dataset stats nowhere
