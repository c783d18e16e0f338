#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unet completion: what the shells that are here offer for the beginning of a line.
# Usage: completion_test.sh UNET_BINARY SOURCE_FOLDER BUILD_FOLDER
. "$(dirname "$0")/shell/expect.sh"

expect 2 - 'found "csh", wanted bash, zsh or fish' completion csh
if [ -c /dev/full ]; then
    "$unet" completion bash >/dev/full 2>.err
    code=$?
    checks=$((checks + 1))
    [ $code -eq 1 ] && [ "$(grep -c 'cannot write' .err)" = 1 ] || note "a full disk: $(cat .err)"
fi
mkdir cells 'two words'
touch cells.png

# what a shell offers at the end of a line
in_bash() { # in_bash LINE
    bash --noprofile --norc -c 'source <("$0" completion bash)
        COMP_LINE=$1
        read -ra COMP_WORDS <<<"${1//=/ = }"
        [ "${1: -1}" != " " ] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _unet
        printf "%s\n" "${COMPREPLY[@]}"' "$unet" "$1"
}
in_fish() {
    mkdir -p home
    HOME=$work/home PATH="$(dirname "$unet"):$PATH" fish --no-config -c \
        'unet completion fish | source; complete -C "'"$1"'"' | cut -f1
}
in_zsh() { # a real line on a pseudo terminal, its offers listed; slow, so for few lines
    ZDOTDIR=$work TERM=vt100 zsh -f -c '
        zmodload zsh/zpty
        zpty z zsh -f -i
        zpty -w z "PS1=; PROMPT_EOL_MARK=; fpath=($2 \$fpath); autoload -U compinit; compinit -u -D; unset zle_bracketed_paste"
        zpty -w z "zstyle \":completion:*\" list-prompt \"\"; LISTMAX=1000; setopt auto_list no_beep; stty rows 200 cols 200"
        zpty -w z "print begin"
        zpty -r z seen "*begin*begin*"
        zpty -n -w z "$1"$'\''\t\t'\''
        sleep $3
        zpty -n -w z $'\''\C-u'\''"print the-end"$'\''\n'\''
        zpty -r z seen "*the-end*"
        print -r -- $seen
        zpty -d z' zsh "$1" "$work/functions" "$pause" |
        sed "s/$(printf '\033')\\[[0-9;]*[A-Za-z]//g" | tr -s ' \r\t' '\n'
}

# offers SHELL LINE WANTED UNWANTED: lines of what it offers
offers() {
    checks=$((checks + 1))
    for pause in 1 4 10; do # a list is not shown to who types on, so zsh needs a moment
        found=$("in_$1" "$2")
        [ "$1" = zsh ] && ! echo "$found" | grep -qx -e "$3" || break
    done
    echo "$found" | grep -qx -e "$3" || note "$1 after \"$2\" does not offer $3: $(echo $found | cut -c1-300)"
    [ -z "$4" ] || ! echo "$found" | grep -qx -e "$4" || note "$1 after \"$2\" offers $4"
}

if command -v bash >/dev/null; then
    offers bash 'unet tr' train predict
    offers bash 'unet train --prese' --preset --images
    offers bash 'unet train --preset ' paper2015 cells
    offers bash 'unet train --preset=pa' paper2015 auto
    offers bash 'unet train --norm ' instance cells
    offers bash 'unet train --images c' cells cells.png
    offers bash 'unet train --images tw' 'two words' ''
    offers bash 'unet train --help l' layers cells
    offers bash 'unet predict c' cells.png ''
    offers bash 'unet predict cells cells.png -o c' cells.png ''
    offers bash 'unet train --batch ' '' cells
    offers bash 'unet help ev' eval ''
else
    echo "completion_test: no bash: not tried there"
fi
if command -v fish >/dev/null; then
    offers fish 'unet tr' train predict
    offers fish 'unet train --prese' --preset --images
    offers fish 'unet train --preset ' paper2015 cells.png
    offers fish 'unet train --images c' cells/ cells.png
    offers fish 'unet predict cells c' cells.png ''
    offers fish 'unet predict --instanc' --instances --preset
else
    echo "completion_test: no fish: not tried there"
fi
if command -v zsh >/dev/null; then
    mkdir functions
    "$unet" completion zsh >functions/_unet
    check 'zsh: the file of functions is no zsh' zsh -n functions/_unet
    offers zsh 'unet train --preset pap' paper2015 ''
    offers zsh 'unet train --preset ' milesial cells.png
    offers zsh 'unet train --images c' cells/ ''
else
    echo "completion_test: no zsh: not tried there"
fi
finish completion
