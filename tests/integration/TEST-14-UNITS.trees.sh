#!/bin/bash
# hosts: vm booted
# berth@.service boots a tree of /var/lib/machines with its .nspawn file; a reboot inside is a restart; it starts at boot.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

TREE=/var/lib/berth-test/debian-tree
PATIENCE=240

prepare_tree() {
    prepare
    [[ -x $TREE/usr/lib/systemd/systemd || -x $TREE/lib/systemd/systemd ]] || skip "there is no system in $TREE"
    UNIT=berth@$ID.service
    mkdir -p "/var/lib/machines/$ID" /run/systemd/nspawn
    mount --bind "$TREE" "/var/lib/machines/$ID"
    # The tree is other tests' too.
    printf '[Exec]\nEphemeral=yes\nEnvironment=FROM=file\nTimezone=copy\n' >"/run/systemd/nspawn/$ID.nspawn"
    on_exit _forget_tree
}

_forget_tree() {
    systemctl --quiet disable --now "$UNIT" 2>/dev/null || true
    systemctl reset-failed "$UNIT" 2>/dev/null || true
    umount "/var/lib/machines/$ID" && rmdir "/var/lib/machines/$ID"
    rm -f "/run/systemd/nspawn/$ID.nspawn"
}

property() { systemctl show --property="$1" --value "$UNIT"; }
has_booted() { b exec "$ID" systemctl is-active --quiet multi-user.target; }
has_restarted() { [[ $(property NRestarts) == 1 ]] && has_booted; }

test_tree() {
    prepare_tree
    expect_rc 0 b enable --now "$ID"
    assert_eq "$(property ActiveState)" active
    [[ -L /etc/systemd/system/berth.target.wants/$UNIT ]]
    assert_eq "$(state_field "$ID" unit)" "$UNIT"
    assert_eq "$(property Slice)" machine-berth.slice
    retry_until "$PATIENCE" has_booted
    expect_rc 0 b exec "$ID" sh -c 'cat /proc/1/comm; tr "\0" "\n" </proc/1/environ | grep FROM; touch /written'
    assert_eq "$OUT" $'systemd\nFROM=file'
    [[ ! -e $TREE/written ]]
    assert_match "$(journalctl --no-pager -o cat -u "$UNIT")" "$ID.nspawn:4: Timezone=: not supported"
    # 133 is a restart.
    b exec "$ID" systemctl reboot || true
    retry_until "$PATIENCE" has_restarted
    assert_eq "$(property ActiveState)" active
    expect_rc 0 b stop "$ID"
    assert_eq "$(property ActiveState) $(property Result)" 'inactive success'
    is_gone "$ID"
    expect_rc 0 b disable "$ID"
    [[ ! -e /etc/systemd/system/berth.target.wants/$UNIT ]]
}

test_no_such_tree() {
    prepare
    expect_rc 1 b start "$ID-none"
    assert_match "$ERR" 'no definition'
    expect_rc 1 b enable "$ID-none"
    assert_match "$ERR" 'no definition'
    expect_rc 0 systemd-analyze verify --man=no "berth@$ID.service" machine-berth.slice berth.target
    assert_eq "$OUT$ERR" ''
}

run_tests
