# SPDX-License-Identifier: MIT
# Help, man pages and completions say the same: every flag that --help has is in all of them.
planish --help | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p' >commands
for command in $(cat commands); do
    planish "$command" --help | grep -oE -- ' --[a-z][a-z0-9-]*' | tr -d ' ' | sort -u >flags
    [ -s flags ] || echo "$command: no flags"
    planish man "$command" | sed 's/\\-/-/g' >page
    for shell in bash zsh fish; do planish completion $shell >$shell; done
    for flag in $(cat flags); do
        name=${flag#--}
        grep -q -- "$flag" page || echo "$command: $flag is not in the manual page"
        grep -qE -- "$flag([^a-z0-9-]|\$)" bash || echo "$command: bash does not know $flag"
        grep -qE -- "$flag([^a-z0-9-]|\$)" zsh || echo "$command: zsh does not know $flag"
        grep -qE -- "-l $name( |\$)" fish || echo "$command: fish does not know $flag"
    done
    # And the short list is part of the long one.
    planish "$command" -h | grep -oE -- '^ .{6}--[a-z][a-z0-9-]*' | grep -o -- '--.*' | sort -u |
        comm -23 - flags
done
for command in smooth methods completion man; do grep -x "$command" commands; done
for method in bf wls; do grep -q "^ *$method " page || planish man smooth | grep -cx ".B $method"; done
# Every command has its page among the installed ones.
sed -n "s/^pages = //p" "$DATA/../share/meson.build" | tr -cs "a-z'" '\n' | sed -n "s/^'\([a-z]\{1,\}\)'\$/\1/p" | sort >pages
sort commands | comm -3 - pages | sed 's/^/differs from the pages of share\/meson.build: /'
