# SPDX-License-Identifier: MIT
# flag > variable > --config > user's config > default; -v tells the origin.
pgm 12 9 >a.pgm
origin() {
    planish -v smooth a.pgm -o b.npy --dry-run "$@" 2>&1 >/dev/null |
        grep -E '^planish: (threads|jobs|space|clobber|method|wls: (lambda|alpha)) ' || true
}
say default
origin -m wls
mkdir -p "$XDG_CONFIG_HOME/planish"
cat >"$XDG_CONFIG_HOME/planish/config" <<END
[planish]
threads = 1
[smooth]
jobs = 2
space = linear
no-clobber = true
method = wls
[wls]
lambda = 0.5
END
say "user's config; the variable PLANISH_THREADS=2 wins over it"
origin
say '--config'
cat >mine <<END
[planish]
threads = 1
[smooth]
space = encoded
[wls]
lambda = 1/4
alpha = 1.5
END
origin --config mine
say 'variable away: the config decides'
PLANISH_THREADS= origin --config mine | grep threads
say 'OMP_NUM_THREADS is an upper bound of the variable, not of the flag'
OMP_NUM_THREADS=1 origin | grep threads
OMP_NUM_THREADS=1 origin -t 2 | grep threads
say flags
origin --config mine -t 1 -j 3 --space linear --clobber --lambda 0.1
say 'a preset or --strength leaves the parameters of the config out'
origin --config mine -m wls:default | grep lambda
origin --config mine --strength 0.5 | grep lambda
say 'the result is that of the values'
s smooth a.pgm -o 1.npy --config mine
rm "$XDG_CONFIG_HOME/planish/config"
s smooth a.pgm -o 2.npy -m wls --lambda 0.25 --alpha 1.5
same 1.npy 2.npy
say 'mistakes in files and variables'
bad() {
    printf "$1" >bad
    t --config bad smooth a.pgm -m wls --dry-run
}
bad '[smooth]\nstrenght=1\n'
bad '[smoth]\nstrength=1\n'
bad '[wls]\nlamda=1\n'
bad '[wls]\nlambda=abc\n'
bad '[smooth]\njobs=many\n'
bad '[smooth]\nstrip=perhaps\n'
bad '[smooth]\nno-jobs=1\n'
bad '[planish]\nconfig=other\n'
bad 'strength\n'
t --config nowhere smooth a.pgm -m wls
PLANISH_THREADS=many t smooth a.pgm -m wls
PLANISH_MEMORY=lots t smooth a.pgm -m wls
PLANISH_DEVICE=gpu t smooth a.pgm -m wls
PLANISH_DEVICE=cuda:99 t smooth a.pgm -m wls
PLANISH_ISA=sse9 t smooth a.pgm -m wls
files
