#!/bin/bash
# hosts: host vm
# A container from an image obeys the image's configuration, shares its layers and keeps what it wrote apart.

# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC1091
. "$(dirname "$0")/containers.sh"
here=$(cd "$(dirname "$0")" && pwd)

test_entrypoint_and_command() {
    prepare_image '{"Entrypoint":["/bin/echo","entry"],"Cmd":["one","two words"]}'
    assert_eq "$(b run --rm "$(image)")" "entry one two words"
    assert_eq "$(b run --rm "$(image)" other)" "entry other"
    # Another entry point is another program: the image's arguments are not for it.
    assert_eq "$(b run --rm --entrypoint='/bin/echo x' "$(image)")" "x"
    assert_eq "$(b run --rm --entrypoint= "$(image)" /bin/echo y)" "y"
}

test_no_command_at_all_is_said() {
    prepare_image '{}'
    expect_rc 125 b run --rm "$(image)"
    assert_match "$ERR" 'no command'
}

test_environment_directory_labels() {
    # shellcheck disable=SC2016 # expands inside
    prepare_image '{"Env":["A=image","B=image","BROKEN"],"WorkingDir":"/srv/deep/new","Labels":{"k":"v"},"Cmd":["/bin/sh","-c","echo $A $B $PWD"]}'
    assert_eq "$(b run --rm -e B=mine "$(image)")" "image mine /srv/deep/new"
    assert_eq "$(b run --rm -w /tmp "$(image)")" "image image /tmp"
}

test_user_by_name_and_number() {
    prepare_image '{"User":"daemon","Cmd":["/bin/sh","-c","id -u; id -g; id -G"]}'
    printf 'root:x:0:0::/root:/bin/sh\ndaemon:x:12:34::/:/bin/sh\n1001:x:7:7::/:/bin/sh\n' >"$ROOT/etc/passwd"
    printf 'root:x:0:\ndaemon:x:34:\nextra:x:55:daemon,other\n' >"$ROOT/etc/group"
    load_image "$(image)" '{"User":"daemon","Cmd":["/bin/sh","-c","id -u; id -g; id -G"]}'
    assert_eq "$(b run --rm "$(image)" | tr '\n' ' ')" "12 34 34 55 "
    # D12: a number is a number, whatever a user is called.
    assert_eq "$(b run --rm -u 1001 "$(image)" | tr '\n' ' ')" "1001 0 0 "
    assert_eq "$(b run --rm -u 5:6 "$(image)" | tr '\n' ' ')" "5 6 6 "
}

test_user_that_cannot_be() {
    local user
    prepare_image '{"Cmd":["/bin/true"]}'
    for user in 4294967295 4294967296 -1 0x0 nobody-here 1: :nogroup-here; do
        expect_rc 125 b run --rm -u "$user" "$(image)"
        assert_match "$ERR" "user '"
    done
    load_image "$(image)" '{"User":"99999999999","Cmd":["/bin/true"]}'
    expect_rc 125 b run --rm "$(image)"
    assert_match "$ERR" 'image '
}

test_volumes_are_directories_of_the_container() {
    prepare_image '{"Volumes":{"/data":{},"/srv/more":{}},"Cmd":["/bin/sh","-c","test -d /data && test -d /srv/more && echo both && touch /data/x"]}'
    assert_eq "$(b run --rm "$(image)")" "both"
    assert_eq "$(b run --rm --read-only "$(image)")" "both"
    [[ ! -e $ROOT/data/x ]]
}

# B12: what an image calls a volume is a path inside, or the start fails; never one of the host.
test_B12_volume_names_that_reach_out() {
    local volume
    prepare
    on_exit drop_image
    mkdir -p "$TEST_TMP/canary"
    for volume in "$TEST_TMP/canary:/x" ../../etc / ''; do
        load_image "$(image)" "{\"Volumes\":{\"$volume\":{}},\"Cmd\":[\"/bin/sh\",\"-c\",\"ls /x 2>/dev/null; true\"]}"
        expect_rc 125 b run --rm "$(image)"
        assert_ne "$ERR" ""
    done
    assert_eq "$(find "$TEST_TMP/canary" | wc -l)" 1
}

test_stop_signal() {
    prepare_image '{"StopSignal":"SIGUSR1","Cmd":["/bin/sh","-c","trap \"echo usr1; exit 7\" USR1; echo up; while :; do sleep 0.1; done"]}'
    b run -d --name "$ID-s" "$(image)" >/dev/null
    retry_until "$SETTLE_TIMEOUT" sh -c "\"$BERTHCTL\" logs $ID-s | grep -q up"
    b stop "$ID-s"
    assert_eq "$(b wait "$ID-s")" 7
    b rm "$ID-s"
}

test_containers_share_layers_and_write_apart() {
    prepare_image '{"Cmd":["/bin/true"]}'
    b run --name "$ID-a" "$(image)" /bin/sh -c 'echo a >/mine; rm /etc/os-release'
    b run --name "$ID-b" "$(image)" /bin/sh -c 'echo b >/mine; test -e /etc/os-release'
    # Each goes on from what it had written.
    b rm "$ID-b"
    b create --name "$ID-c" "$(image)" /bin/sh -c 'cat /mine 2>/dev/null; echo c >>/mine; cat /mine' >/dev/null
    b start "$ID-c" >/dev/null
    assert_eq "$(b wait "$ID-c")" 0
    b start "$ID-c" >/dev/null
    assert_eq "$(b wait "$ID-c")" 0
    assert_eq "$(b logs "$ID-c" | tail -n 3 | tr '\n' ' ')" "c c c "
    b rm "$ID-a" "$ID-c"
    assert_no_trace "$ID"
}

test_image_in_use_stays() {
    prepare_image '{"Cmd":["/bin/sh","-c","while :; do sleep 1; done"]}'
    b run -d --rm --name "$ID-u" "$(image)" >/dev/null
    expect_rc 1 b rmi "$(image)"
    assert_match "$ERR" 'in use|uses'
    b exec "$ID-u" /bin/true
    b terminate "$ID-u"
    b rmi "$(image)"
    expect_rc 125 b run --rm "$(image)"
}

# One that is stopped will want it again.
test_image_of_a_stopped_container_stays() {
    prepare_image '{"Cmd":["/bin/true"]}'
    b create --name="$ID-s" "$(image)" >/dev/null
    expect_rc 1 b rmi "$(image)"
    assert_match "$ERR" "'$ID-s', which does not run, needs the image"
    b start "$ID-s" >/dev/null
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-s"
    expect_rc 1 b rmi "$(image)"
    b rm "$ID-s"
    expect_rc 0 b rmi "$(image)"
    load_image "$(image)" '{"Cmd":["/bin/true"]}'
    b create --name="$ID-s" "$(image)" >/dev/null
    expect_rc 0 b rmi --force "$(image)"
    b rm "$ID-s"
}

# Devices and setuid programs of an image: the former are data, the latter gain nothing by default (E9).
# D14: an image without layers is an empty root, and nothing that lies about on the host instead.
test_D14_an_image_of_nothing() {
    prepare
    on_exit drop_image
    command -v python3 >/dev/null || skip 'needs python3'
    "$here/helpers/make-image" empty oci nothing name="$(image)"
    expect_rc 0 b load nothing
    expect_rc 127 b run --rm "$(image)" /bin/sh
    assert_match "$ERR" "'/bin/sh' is not in the container"
    # What is made for it, its volume, and what it was given.
    expect_rc 0 b run --rm --bind-ro="$ROOT/bin/busybox:/busybox" "$(image)" /busybox find / -xdev
    assert_eq "$(grep -vE '^/(busybox|data|dev|proc|sys|etc|etc/hostname|etc/hosts|etc/resolv.conf|)$' <<<"$OUT" || true)" ''
    assert_match "$OUT" '/etc/hosts'
}

test_E9_setuid_and_devices_of_an_image() {
    prepare
    on_exit drop_image
    mknod "$ROOT/full" c 1 7 && chmod 666 "$ROOT/full"
    cp "$ROOT/bin/busybox" "$ROOT/bin/busybox-setuid" && chmod 4755 "$ROOT/bin/busybox-setuid"
    load_image "$(image)" '{"Cmd":["/bin/true"]}'
    expect_rc 1 b run --rm "$(image)" /bin/sh -c 'head -c 1 /full >/dev/null'
    assert_match "$ERR" 'Permission denied'
    assert_eq "$(b run --rm -u 1000 "$(image)" /bin/busybox-setuid id -u)" 1000
}

# Also where overlayfs has no lowerdir+ (before Linux 6.8; test builds pretend), for which a string of 255 bytes is too short.
test_many_layers() {
    local old
    command -v python3 >/dev/null || skip 'needs python3'
    prepare
    on_exit drop_image
    tar -C "$ROOT" --owner=0 --group=0 --numeric-owner -cf root.tar .
    "$here/helpers/make-image" many docker image.tar name="$(image)" root=root.tar count=120
    b load --quiet image.tar >/dev/null
    # shellcheck disable=SC2043 # two values, of which one is empty
    for old in '' 1; do
        export BERTH_OLD_OVERLAY=$old
        [[ -n $old ]] || unset BERTH_OLD_OVERLAY
        expect_rc 0 b run --rm -u 0 "$(image)" /bin/sh -c 'cat /last; ls -d /layer-* | wc -l; echo new >/last; cat /last'
        assert_eq "$OUT" $'120\n119\nnew'
        assert_eq "$(b run --rm --read-only "$(image)" /bin/cat /last)" 120
        # What berthctl itself puts together for a stopped one.
        b create --name="$ID-m" "$(image)" >/dev/null
        echo changed >file
        expect_rc 0 b cp file "$ID-m:/layer-7"
        assert_eq "$(b cp "$ID-m:/layer-7" - | tar -xO)" changed
        assert_eq "$(b cp "$ID-m:/last" - | tar -xO)" 120
        expect_rc 1 grep -E "berth|$ID" /proc/self/mountinfo
        b rm "$ID-m"
    done
}

test_nothing_of_the_image_is_mounted_on_the_host() {
    prepare_image '{"Cmd":["/bin/sh","-c","while :; do sleep 1; done"]}'
    b run -d --rm --name "$ID-m" "$(image)" >/dev/null
    expect_rc 1 grep -E "berth|$ID" /proc/self/mountinfo
    b terminate "$ID-m"
}

run_tests
