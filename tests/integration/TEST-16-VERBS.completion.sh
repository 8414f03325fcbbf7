#!/bin/bash
# hosts: host
# The shells complete verbs, options, their values and names of running containers: each shell itself is asked.

# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC1091,SC2016
. "$(dirname "$0")/containers.sh"

prepare_completion() { # SHELL
    command -v "$1" >/dev/null || skip "there is no $1"
    prepare
    COMPLETIONS=$(readlink -f "$(dirname "$BERTHCTL")/../../shell-completion")
    [[ -d $COMPLETIONS ]] || skip 'the completions are not built'
    PATH=$(dirname "$BERTHCTL"):$PATH
    export HOME=$TEST_TMP XDG_CONFIG_HOME=$TEST_TMP XDG_DATA_HOME=$TEST_TMP
    b run -d --name="$ID-running" -D "$ROOT" /bin/sleep 1000 >/dev/null
    on_exit b terminate "$ID-running"
}

test_bash() {
    prepare_completion bash
    cat >ask <<'BASH'
. "$1"
COMP_LINE=$2 COMP_POINT=${#2}
read -ra COMP_WORDS <<<"$2"
[[ $2 != *' ' ]] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
function=$(complete -p berthctl | sed 's/.*-F \([^ ]*\).*/\1/')
"$function" berthctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
BASH
    asked() { bash --norc ask "$COMPLETIONS/berthctl" "$1"; }
    assert_match "$(asked 'berthctl termi')" '^terminate ?$'
    assert_match "$(asked "berthctl stop $ID-r")" "^$ID-running ?\$"
    assert_match "$(asked 'berthctl run --read-on')" '--read-only'
}

test_fish() {
    prepare_completion fish
    asked() { fish --no-config -c 'source $argv[1]; complete -C "$argv[2]"' "$COMPLETIONS/berthctl.fish" "$1"; }
    assert_match "$(asked 'berthctl termi')" $'^terminate\t'
    assert_match "$(asked "berthctl stop $ID-r")" "^$ID-running"
    assert_match "$(asked 'berthctl run --read-on')" '^--read-only'
    assert_no_match "$(asked 'berthctl list --read-on')" 'read-only'
}

test_zsh() {
    prepare_completion zsh
    # On a terminal, with the key itself: what was not typed must appear.
    printf '%s\n' "fpath=($COMPLETIONS \$fpath)" 'autoload -Uz compinit' "compinit -u -d $TEST_TMP/dump" "PS1='go>'" >.zshrc
    asked() { # TYPED APPEARS
        expect_rc 0 "$HELPERS/on-tty" --size=200x50 --expect 'go>' --send "$1\t" --expect "$2" --send '\x15exit\n' -- \
            env ZDOTDIR="$TEST_TMP" zsh -d -i
    }
    asked 'berthctl termi' nate
    asked "berthctl stop $ID-r" unning
    asked 'berthctl run --read-on' ly
}

run_tests
