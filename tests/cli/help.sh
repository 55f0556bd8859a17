# SPDX-License-Identifier: MIT
# Help, version, manual page.
t smooth -h
t -h smooth | head -n 1
t smooth --help | head -n 3
t smooth a.pgm --lambda 3 --help | head -n 1
t -V | sed -n '1p; s/^\([a-z][a-z ]*[a-z]\)  .*/\1/p'
t --help | head -n 4
t completion --help | head -n 6
t methods wls | grep -E '^[A-Z-]'
t methods | grep -vE '^[a-z][a-z0-9-]* +.* (19|20)[0-9][0-9]  '
t man smooth | head -n 12
if command -v groff >/dev/null; then
    for page in '' smooth methods completion man; do planish man $page | groff -man -Tutf8 -ww >/dev/null; done
fi
