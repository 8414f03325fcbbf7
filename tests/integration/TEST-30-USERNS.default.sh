#!/bin/bash
# hosts: host vm
# Who says nothing gets ids of his own, or is told why not. Few starts, for the virtual machine.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

prepare_userns() {
    prepare
    run_in --userns=auto /bin/true >out 2>err || { grep -q 'cannot be mapped' err && skip "$(cat err)"; fail "$(cat err)"; }
}

base_of() { tr -s ' ' <<<"$1" | cut -d' ' -f3; }

# Who says nothing gets a range of his own, whatever the kind of container.
test_default() {
    prepare_userns
    local option
    for option in --init --privileged --ephemeral --network=host; do
        expect_rc 0 run_in "$option" /bin/cat /proc/self/uid_map
        assert_match "$OUT" '^ +0 +[0-9]{6,} +65536$'
        assert_no_match "$ERR" 'no user namespace'
    done
    expect_rc 0 run_in --userns=host /bin/cat /proc/self/uid_map
    assert_eq "$(tr -s ' ' <<<"$OUT")" "$(tr -s ' ' </proc/self/uid_map)"
    start_in_background web
    assert_match "$(cat "/proc/$(state_field "$ID-web" leader)/uid_map")" '^ +0 +[0-9]{6,} +65536$'
}

# Of a service, too; and what a unit limits is that container's.
test_default_of_a_service() {
    [[ -d /run/systemd/system ]] || skip 'systemd is not PID 1'
    prepare_userns
    expect_rc 0 systemd-run -q --wait --unit="berthtest-$ID" -p Delegate=yes "$BERTHCTL" run --keep-unit --name="$ID" -D "$ROOT" \
        /bin/sh -c 'cat /proc/self/uid_map >/map; touch /made'
    assert_match "$(cat "$ROOT/map")" '^ +0 +[0-9]{6,} +65536$'
    assert_eq "$(stat -c %u "$ROOT/made")" 0
}

test_default_of_an_image() {
    prepare_image '{"Cmd":["/bin/cat","/proc/self/uid_map"]}'
    expect_rc 0 b run --rm --name="$ID" "$(image)"
    # A store on an overlay cannot.
    [[ $ERR != *'cannot be mapped'* ]] || skip "$ERR"
    assert_match "$OUT" '^ +0 +[0-9]{6,} +65536$'
}

# In a mount namespace where the user berth has a single range, which another container holds.
test_no_range_is_free() {
    prepare_userns
    printf 'berth:1073741824:65536\n' >subid
    in_small_pool() {
        # shellcheck disable=SC2016 # the inner shell's
        unshare --mount --propagation private sh -c 'mount --bind "$0" /etc/subuid && exec "$@"' "$TEST_TMP/subid" "$BERTHCTL" "$@"
    }
    expect_rc 0 in_small_pool run -d --name="$ID-a" -D "$ROOT" /bin/sleep 1000
    assert_eq "$(base_of "$(cat "/proc/$(state_field "$ID-a" leader)/uid_map")")" 1073741824
    expect_rc 0 in_small_pool run --name="$ID" -D "$ROOT" /bin/cat /proc/self/uid_map
    assert_eq "$(tr -s ' ' <<<"$OUT")" "$(tr -s ' ' </proc/self/uid_map)"
    assert_match "$ERR" "no user namespace, so root inside is the host's root: .*no range of 65536 ids is free"
    expect_rc 125 in_small_pool run --name="$ID" -D "$ROOT" --userns=auto /bin/true
    assert_match "$ERR" 'no range of 65536 ids is free.*/etc/subuid'
    b terminate "$ID-a"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-a"
    expect_rc 0 in_small_pool run --name="$ID" -D "$ROOT" /bin/cat /proc/self/uid_map
    assert_eq "$(base_of "$OUT")" 1073741824
    assert_no_match "$ERR" 'no user namespace'
}

run_tests
