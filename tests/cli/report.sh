# SPDX-License-Identifier: MIT
# train report: what is in the page, the curves and the table of a log that is known.
mkdir log
tiny_recipe 6 2 >log/recipe.ini
cat >log/log.jsonl <<'L'
{"step":1,"loss":0.5,"rate":0.001,"seconds":36.0000}
{"step":2,"loss":0.25,"rate":0.001,"seconds":36.0000,"psnr":20.000000,"ssim":0.500000}
{"step":3,"loss":0.3,"rate":0.001,"seconds":36.0000}
{"step":4,"loss":0.2,"rate":0.0005,"seconds":36.0000,"psnr":24.500000,"ssim":0.700000}
{"step":5,"loss":0.1,"rate":0.0005,"seconds":36.0000}
{"step":6,"loss":0.3,"rate":0.0005,"seconds":36.0000,"psnr":23.250000,"ssim":0.710000}
L
printf '{"step":7,"loss":0.1,"rate":0' >>log/log.jsonl # cut by a kill

say the table
t train report log -o log.md
cat log.md

say status, of pictures and of boundaries
t train status log
t train status log --json
mkdir ap empty
echo '{"step":1,"loss":0.5,"rate":0.001,"seconds":36.0000,"ap":0.460000}' >ap/log.jsonl
echo '{"step":2,"loss":0.5,"rate":0.001,"seconds":36.0000,"ap":0.450000}' >>ap/log.jsonl
t train status ap
t train status ap --json
: >empty/log.jsonl
t train status empty

say a report of boundaries
sed 's/^system=.*/system=eme/; s/^config=.*//; s/^l1=1/boundary=1/' log/recipe.ini >ap/recipe.ini
t train report ap -o ap.md
cat ap.md
t train report ap
grep -o 'aria-label="[^"]*"' ap/report.html

say the curves
t train report log -o log.svg
cat log.svg

say the page: neither data nor weights
t train report log
sed -n '/^<h1/,/^<\/table/p; /<h2/,$p' log/report.html | sed '/<svg/,/<\/svg/d'
t train report log -o page.html --json
same log/report.html page.html

say the page of a run, with pictures
s dataset make scenes -o data --count 6 --texture-count 3 --size 64x48 --seed 3 -q
s train log/recipe.ini --data data -o run --seed 7 2>/dev/null
t train report run --data data -o run.html
grep -c '<svg' run.html
sed -E -n '/^<h2>Pictures/,/^<h2>Recipe/p' run.html |
    sed -E 's/base64,[A-Za-z0-9+\/]+=*/base64,B/; s/[0-9.]+ dB, SSIM [0-9.]+/P dB, SSIM S/'
# The same pairs as in validation: the mean of their results is the best validation's score.
awk -F'result: ' 'NF > 1 { sum += $2; n++ } END { printf "%.1f\n", sum / n }' run.html >mean.txt
t train status run | sed -n 's/^best: .*, \([0-9.]*\) dB.*/\1/p' | awk '{ printf "%.1f\n", $1 }' >best.txt
same mean.txt best.txt

say runs in a page of docs
printf 'before\n<!-- Runs: here -->\nold\n<!-- End of the runs -->\nafter\n' >page.md
PLANISH=planish sh "$DATA/../tools/training.sh" page.md log=log run=run
sed -E 's/\| [0-9.]+ \| [0-9.]+ \| [0-9.]+ dB, SSIM [0-9.]+ \| [0-9]+ \|/| H | R | P dB, SSIM S | N |/' page.md
same log.svg images/training-log.svg
PLANISH=planish sh "$DATA/../tools/training.sh" log.md log=log
echo "exit $?"

say what is wrong
t train report none
t train report log -o log.pdf
t train report log -o log.svg --data data
t train report run --data log
t train report log --resume
s dataset make scenes -o other --count 6 --texture-count 3 --size 64x48 --seed 4 -q
t train report run --data other 2>&1 | sed -E 's/[0-9a-f]{12}/HASH/g'
head -c 100 run/best.safetensors >cut && mv cut run/best.safetensors
t train report run --data data
echo '{"step":8' >>log/log.jsonl
t train report log -o log.md
t train status log
t train report run -o none/report.md
