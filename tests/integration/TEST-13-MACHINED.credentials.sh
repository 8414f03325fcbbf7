#!/bin/bash
# hosts: host
# Secrets reach the payload, and nobody else.

# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC1091,SC2016
. "$(dirname "$0")/containers.sh"

SECRET=very-secret-$$

test_given_and_loaded() {
    prepare
    printf 'from\0a file\n' >file
    expect_rc 0 sh_in 'cd "$CREDENTIALS_DIRECTORY" && pwd && ls -l | cut -d" " -f1 && cat given && od -c loaded && stat -f -c %T . && ls -ld .' \
        --set-credential="given:$SECRET" --load-credential=loaded:"$TEST_TMP/file"
    assert_match "$OUT" '^/run/host/credentials'
    assert_match "$OUT" $'\n-r--------\n-r--------\n'
    assert_match "$OUT" "$SECRET"
    assert_match "$OUT" 'f   r   o   m  .0   a       f   i   l   e'
    assert_match "$OUT" 'drwx------'
    # Not to be changed, and nothing of it is in the tree.
    expect_rc 1 sh_in ': >"$CREDENTIALS_DIRECTORY/more"' --set-credential=a:b
    assert_match "$ERR" 'Read-only'
    assert_eq "$(grep -rl "$SECRET" "$ROOT" || true)" ''
}

# A program that is not root reads its own.
test_another_user() {
    prepare
    expect_rc 0 sh_in 'id -u; cat "$CREDENTIALS_DIRECTORY/key"' --user=1000 --set-credential="key:$SECRET"
    assert_eq "$OUT" $'1000\n'"$SECRET"
}

# What is written about the container does not tell.
test_is_told_nowhere() {
    prepare
    start_in_background c --rm --set-credential="key:$SECRET"
    {
        b show "$ID-c" --all
        b list -o json
        b status "$ID-c"
        b logs "$ID-c" 2>&1 || true
        cat "$BERTH_RUN/machines/$ID-c"
        # The launcher's own command line goes with it.
        cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' '
    } >told
    assert_eq "$(grep -c "$SECRET" told || true)" 0
    b run --name="$ID" -D "$ROOT" --set-credential="key:$SECRET" --print-plan /bin/true >plan
    assert_match "$(grep ' credential ' plan)" "name=key mode=0400 data=$((${#SECRET})) bytes"
    assert_eq "$(grep -c "$SECRET" plan || true)" 0
    b terminate "$ID-c"
}

# A definition keeps it, for its owner only.
test_definition() {
    prepare
    b create --name="$ID-d" -D "$ROOT" --set-credential="key:two words 100%" /bin/sh -c 'cat "$CREDENTIALS_DIRECTORY/key"' >path
    assert_eq "$(stat -c %a "$(cat path)")" 600
    b start "$ID-d" >/dev/null
    b wait "$ID-d" >/dev/null
    expect_rc 0 b logs "$ID-d"
    assert_eq "$OUT" 'two words 100%'
    b rm "$ID-d"
}

# Those of the unit that berthctl is in, unless something else is said.
test_of_the_unit() {
    prepare
    mkdir unit unit/directory
    echo one >unit/one
    echo two >unit/two
    export CREDENTIALS_DIRECTORY=$TEST_TMP/unit
    expect_rc 0 sh_in 'cd "$CREDENTIALS_DIRECTORY" && grep . *' --keep-unit --set-credential=two:mine --load-credential=three:one
    assert_eq "$OUT" $'one:one\nthree:one\ntwo:mine'
    # Somebody else's environment is not the unit's.
    expect_rc 0 sh_in 'echo "$CREDENTIALS_DIRECTORY"'
    assert_eq "$OUT" ''
}

test_refusals() {
    prepare
    local bad
    for bad in "$SECRET" ":$SECRET" "../x:$SECRET" "a/b:$SECRET" ".:$SECRET" "a b:$SECRET"; do
        expect_rc 125 run_in --set-credential="$bad" /bin/true
        assert_match "$ERR" '--set-credential: not ID:VALUE'
        assert_no_match "$ERR" "$SECRET"
    done
    expect_rc 125 run_in --load-credential=a:b/c /bin/true
    assert_match "$ERR" 'neither an absolute path nor the name of a credential'
    expect_rc 125 run_in --load-credential=a:/nonexistent /bin/true
    assert_match "$ERR" "cannot read the credential 'a' from '/nonexistent'"
    expect_rc 125 run_in --load-credential=a:unit /bin/true
    mkfifo fifo
    expect_rc 125 run_in --load-credential=a:"$TEST_TMP/fifo" /bin/true
    expect_rc 125 run_in --load-credential=a:"$TEST_TMP" /bin/true
    truncate -s 2M large
    expect_rc 125 run_in --load-credential=a:"$TEST_TMP/large" /bin/true
    assert_match "$ERR" 'larger than 1 MiB'
    expect_rc 125 run_in --set-credential=a:b --load-credential=a:/etc/passwd /bin/true
    assert_match "$ERR" 'given twice'
    assert_no_trace "$ID"
}

run_tests
