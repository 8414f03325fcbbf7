#!/bin/bash
# hosts: vm booted
# A Debian boots as a service: ready when it says so, known to systemd's tools, told what it may know, and restarted by its
# unit.

# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC1091,SC2016
. "$(dirname "$0")/containers.sh"

TREE=/var/lib/berth-test/debian-tree
UUID=0123456789abcdef0123456789abcd00

start_service() {
    echo from-unit >"$TEST_TMP/secret"
    # Returns when the container has said that it is ready.
    systemd-run -q --unit "$ID-unit" -p Type=notify -p NotifyAccess=all -p Delegate=yes -p TimeoutStartSec=4min \
        -p LoadCredential=unit:"$TEST_TMP/secret" \
        "$BERTHCTL" run --keep-unit --log-driver=journald --notify=container --boot --ephemeral --uuid=$UUID \
        --set-credential=given:from-option --name="$ID" -D "$TREE"
    on_exit systemctl reset-failed "$ID-unit"
    on_exit systemctl stop "$ID-unit"
}

check_what_it_is_told() {
    expect_rc 0 b exec "$ID" sh -c 'tr "\0" "\n" </proc/1/environ; cat /etc/machine-id; ls -A /run/host /run/host/inaccessible'
    assert_match "$OUT" "container_uuid=$UUID"
    assert_match "$OUT" 'container_host_id=debian'
    assert_match "$OUT" 'NOTIFY_SOCKET=/run/host/notify'
    assert_match "$OUT" $'\n'"$UUID"$'\n'
    assert_match "$OUT" $'container-manager\ncontainer-uuid\ncredentials\ninaccessible\nnotify\nos-release\n'
    assert_match "$OUT" $'chr\ndir\nfifo\nreg\nsock'
    expect_rc 0 b exec "$ID" sh -c 'cd /run/credentials/@system && cat given unit'
    assert_eq "$OUT" 'from-optionfrom-unit'
}

# The bus inside is reached by tools that enter the machine as who they are: where a policy constrains categories, a client with
# more of them than the machine has is one that the machine may not answer.
client() {
    if [[ -e /sys/fs/selinux/enforce ]]; then
        runcon -l s0 "$@"
    else
        "$@"
    fi
}

# Where SELinux is, a system has the type that is for systems, and categories of its own.
check_confinement() {
    [[ -e /sys/fs/selinux/enforce ]] || return 0
    local type
    type=$(sed -n 's/^init_process = "\([^"]*\)"/\1/p' /usr/share/berth/selinux/contexts | cut -d: -f3)
    assert_match "$(tr -d '\0\n' <"/proc/$(state_field "$ID" leader)/attr/current")" "^system_u:system_r:$type:s0:c[0-9]+,c[0-9]+\$"
    b exec "$ID" systemctl --failed --no-legend >failed
    assert_eq "$(cat failed)" ''
}

check_machinectl() {
    assert_eq "$(machinectl show "$ID" -P Unit) $(machinectl show "$ID" -P Id)" "$ID-unit.service $UUID"
    assert_match "$(machinectl status --no-pager "$ID")" 'OS: Debian'
    assert_eq "$(client systemctl -M "$ID" is-active multi-user.target)" active
    client systemd-run -q -M "$ID" --wait /bin/sh -c 'echo out-of-it >/run/out'
    assert_eq "$(b exec "$ID" cat /run/out)" out-of-it
    assert_eq "$(ps -o machine= -p "$(machinectl show "$ID" -P Leader)" | tr -d ' ')" "$ID"
    client loginctl -M "$ID" list-sessions --no-legend >/dev/null
}

check_reach() {
    assert_eq "$(machinectl show "$ID" -P State)" running
    journalctl -M "$ID" -q --no-pager -n 1 | grep -q .
    machinectl shell "$ID" /bin/sh -c 'echo shell-$(cat /etc/machine-id)' </dev/null | grep -q "shell-$UUID"
}

# Ours first: the getty that machined starts for the other lays hands on the next terminal of that number, too.
check_login() {
    b exec "$ID" passwd -d root >/dev/null
    expect_rc 0 "$HELPERS/on-tty" --expect 'login:' --send 'root\n' --expect '#' --send 'echo in-$((40+2))\n' --expect in-42 \
        --send 'exit\n' -- "$BERTHCTL" login "$ID"
    expect_rc 0 "$HELPERS/on-tty" --expect 'login:' --send 'root\n' --expect '#' --send 'echo in-$((40+2))\n' --expect in-42 \
        --send '\x1d\x1d\x1d' -- machinectl login "$ID"
    # The same over the bus.
    python3 -B - "$HELPERS" "$ID" <<'PYTHON'
import os, select, sys, time
sys.path.insert(0, sys.argv[1])
from busclient import Bus
terminal = Bus().manager("OpenLogin", "s", sys.argv[2])[0]
seen, end = b"", time.monotonic() + 100
def wait(word):
    global seen
    while word not in seen:
        assert time.monotonic() < end, seen
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 4096)
    seen = seen.split(word, 1)[1]
wait(b"login:")
os.write(terminal, b"root\n")
wait(b"#")
os.write(terminal, b"echo in-$((40+2))\n")
wait(b"in-42")
os.write(terminal, b"exit\n")
PYTHON
}

unit_is_down() { ! systemctl is-active --quiet "$ID-unit"; }

test_service() {
    prepare
    ID=${ID//[^a-zA-Z0-9]/-}
    [[ -d $TREE ]] || skip 'no tree to boot'
    start_service
    b exec "$ID" systemctl is-active --quiet multi-user.target || fail 'it was not ready yet'
    check_confinement
    check_what_it_is_told
    check_machinectl
    check_reach
    check_login
    # R22
    systemctl restart systemd-machined systemd-journald
    systemctl daemon-reload
    check_reach
    # 133 is what a unit restarts on.
    machinectl reboot "$ID"
    retry_until 120 unit_is_down
    is_gone "$ID"
    assert_eq "$(systemctl show -P ExecMainStatus "$ID-unit")" 133
    ! machinectl show "$ID" >/dev/null 2>&1
}

test_poweroff() {
    prepare
    ID=${ID//[^a-zA-Z0-9]/-}
    [[ -d $TREE ]] || skip 'no tree to boot'
    start_service
    machinectl poweroff "$ID"
    retry_until 120 unit_is_down
    is_gone "$ID"
    # An end of its own, in order: neither killed nor started again.
    journalctl --sync
    assert_match "$(journalctl -q --no-pager -o cat _PID=1 UNIT="$ID-unit.service")" 'Deactivated successfully'
    assert_no_match "$(journalctl -q --no-pager -o cat _PID=1 UNIT="$ID-unit.service")" 'SIGKILL|Failed|restart'
    assert_match "$(journalctl -q --no-pager -o cat CONTAINER_NAME="$ID")" 'Power(ed|ing) off'
    b rm "$ID" >/dev/null 2>&1 || true
    ! machinectl show "$ID" >/dev/null 2>&1
}

run_tests
