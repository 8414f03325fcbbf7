#!/bin/bash
# hosts: host vm
# What berthctl does to a running container with a user namespace has the owners that one sees inside.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

prepare_web() {
    prepare
    b run -d --name="$ID-web" -D "$ROOT" --userns=auto "$@" /bin/sh -c 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done' >out 2>err ||
        { grep -q 'cannot be mapped' err && skip "$(cat err)"; fail "$(cat err)"; }
}

owner() { b exec "$ID-web" stat -c '%u:%g' "$@"; }

test_copies() {
    prepare_web
    mkdir -p tree/sub
    echo one >tree/sub/file
    chown -R 1000:1001 tree
    expect_rc 0 b cp tree "$ID-web:/copied"
    assert_eq "$(owner /copied /copied/sub/file | sort -u)" 0:0
    expect_rc 0 b cp --archive tree "$ID-web:/archived"
    assert_eq "$(b exec "$ID-web" cat /copied/sub/file)" one
    tar -C tree -cf - . | b cp - "$ID-web:/tmp"
    assert_eq "$(b exec "$ID-web" cat /tmp/sub/file)" one
    expect_rc 0 b copy-to "$ID-web" "$PWD/tree" /as-machinectl
    assert_eq "$(owner /as-machinectl /as-machinectl/sub/file | sort -u)" 0:0
    # As root's on the host's disk, too, and back.
    assert_eq "$(stat -c %u:%g "$ROOT/copied/sub/file")" 0:0
    expect_rc 0 b cp "$ID-web:/copied" back
    assert_eq "$(stat -c %u:%g back/sub/file)" 0:0
    assert_eq "$(cat back/sub/file)" one
}

test_binds() {
    prepare_web
    mkdir dir
    echo text >dir/file
    chmod 600 dir/file
    expect_rc 0 b bind --mkdir "$ID-web" "$TEST_TMP/dir" /new/place
    assert_eq "$(b exec "$ID-web" cat /new/place/file)" text
    assert_eq "$(owner /new /new/place /new/place/file | sort -u)" 0:0
    b exec "$ID-web" touch /new/place/made
    assert_eq "$(stat -c %u dir/made)" 0
}

test_top_tells_the_ids_inside() {
    prepare_web -u 1000
    assert_match "$(b top "$ID-web")" ' 1000 '
}

run_tests
