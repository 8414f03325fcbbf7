#!/bin/bash
# hosts: host
# systemd-nspawn's files: read when asked for, trusted by where they are.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

prepare_nspawn() {
    prepare
    export BERTH_NSPAWN_DIR=$TEST_TMP/nspawn
    mkdir -p "$BERTH_NSPAWN_DIR"
}

run_with() { # MODE [ARGUMENT...]
    local mode=$1
    shift
    b run --settings="$mode" --name="$ID" -D "$ROOT" "$@"
}

test_trusted_file() {
    prepare_nspawn
    printf '%s\n' '[Exec]' Environment=FROM=file Hostname=of-file LimitNOFILE=77 '[Files]' "Bind=$TEST_TMP:/mnt" \
        Inaccessible=/etc/passwd ReadOnly=yes '[Network]' VirtualEthernet=no Port=80 >"$BERTH_NSPAWN_DIR/$ID.nspawn"
    expect_rc 0 run_with no /bin/sh -c 'echo $FROM; hostname'
    assert_eq "$OUT" $'\n'"$ID"
    expect_rc 0 run_with yes /bin/sh -c 'echo $FROM; hostname; ulimit -n; ls /mnt/root/bin/busybox; touch /x 2>&1; cat /etc/passwd 2>&1 || true'
    assert_match "$OUT" $'^file\nof-file\n77\n/mnt/root/bin/busybox\n.*Read-only file system'
    assert_no_match "$OUT" root:x
    assert_match "$ERR" "$ID.nspawn:11: Port=: not supported"
    # The command line is stronger, unless the file is to be.
    expect_rc 0 run_with yes --hostname=mine /bin/hostname
    assert_eq "$OUT" mine
    expect_rc 0 run_with override --hostname=mine /bin/hostname
    assert_eq "$OUT" of-file
    expect_rc 125 run_with perhaps /bin/true
    assert_match "$ERR" 'override, trusted'
}

test_file_beside_the_tree() {
    prepare_nspawn
    # The name is the tree's: the file is beside it. BindUser=, Ephemeral= and PivotRoot= are those of CVE-2026-40226.
    local outside=$TEST_TMP/outside
    mkdir "$outside"
    echo secret >"$outside/canary"
    ID=root
    printf '%s\n' '[Exec]' Environment=FROM=beside WorkingDirectory=/tmp Ephemeral=yes PivotRoot=/../../outside \
        Capability=CAP_SYS_ADMIN NoNewPrivileges=no '[Files]' "Bind=$outside:/mnt" BindUser=root "Overlay=$outside:/x:/srv" \
        '[Network]' Private=no >"$TEST_TMP/root.nspawn"
    expect_rc 0 run_with yes /bin/sh -c 'echo $FROM; pwd; ls /mnt; grep NoNewPrivs /proc/self/status; ls /sys/class/net; touch /kept'
    assert_eq "$OUT" $'beside\n/tmp\nNoNewPrivs:\t1\nlo'
    assert_eq "$(grep -c 'not taken from a file beside the image' "$ERR_FILE")" 8
    [[ -e $ROOT/kept && $(cat "$outside/canary") == secret ]]
    # Override does not make it trusted; trusted does.
    expect_rc 0 run_with override /bin/ls /mnt
    assert_eq "$OUT" ''
    printf '%s\n' '[Files]' "Bind=$outside:/mnt" >"$TEST_TMP/root.nspawn"
    expect_rc 0 run_with trusted /bin/cat /mnt/canary
    assert_eq "$OUT" secret
    # A link would lead anywhere.
    mv "$TEST_TMP/root.nspawn" "$TEST_TMP/moved"
    ln -s moved "$TEST_TMP/root.nspawn"
    expect_rc 125 run_with yes /bin/true
    assert_match "$ERR" 'root.nspawn'
    rm "$TEST_TMP/root.nspawn"
    expect_rc 0 run_with yes /bin/true
}

test_what_protects_is_not_passed_over() {
    prepare_nspawn
    printf '%s\n' '[Exec]' 'SystemCallFilter=~@mount' >"$BERTH_NSPAWN_DIR/$ID.nspawn"
    expect_rc 125 run_with yes /bin/true
    assert_match "$ERR" "$ID.nspawn:2: SystemCallFilter= is not supported"
    printf '%s\n' '[Exec]' 'Boot' >"$BERTH_NSPAWN_DIR/$ID.nspawn"
    expect_rc 125 run_with yes /bin/true
    assert_match "$ERR" "$ID.nspawn:2: "
}

run_tests
