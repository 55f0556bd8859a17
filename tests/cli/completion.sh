# SPDX-License-Identifier: MIT
# What bash offers; the scripts of the other shells are at least scripts.
bash=$(command -v bash) || exit 0
planish completion bash >script
cat >ask <<'END'
. ./script
ask() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _planish
    printf '%s ->' "${*//planish /}"
    printf ' %s' "${COMPREPLY[@]}"
    echo
}
touch picture.png
ask planish smo
ask planish -t 2 meth
ask planish smooth --in-
ask planish smooth --lam
ask planish smooth -m wl
ask planish smooth --method wl
ask planish smooth --space ""
ask planish smooth --guide pic
ask planish smooth pic
ask planish methods wl
ask planish completion ""
ask planish smooth --no-
ask planish --progress js
END
"$bash" ask
"$bash" -n script
if command -v zsh >/dev/null; then planish completion zsh | zsh -n; fi
if command -v fish >/dev/null; then planish completion fish >fish && fish -n fish; fi
