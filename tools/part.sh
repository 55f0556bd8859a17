# SPDX-License-Identifier: MIT
# Sourced by scripts that write a part of a page: what stands between two lines of FILE that begin with
# '<!-- FIRST' and '<!-- LAST'.

# has_part FILE FIRST LAST: or the script ends.
has_part() {
    grep -q "^<!-- $2" "$1" && grep -q "^<!-- $3" "$1" && return
    echo "$(basename "$0"): $1: has no '<!-- $2' and '<!-- $3' comments" >&2
    exit 2
}

# put_part FILE FIRST LAST: standard input becomes the part. The rest of FILE stays; FILE is replaced at the
# end, or stays as it was.
put_part() {
    {
        sed "/^<!-- $2/q" "$1"
        echo
        cat
        echo
        sed -n "/^<!-- $3/,\$p" "$1"
    } >"$1.tmp"
    mv "$1.tmp" "$1"
    echo "written: $1"
}
