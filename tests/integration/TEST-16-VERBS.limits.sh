#!/bin/bash
# hosts: vm
# Limits that are changed while a container runs hold, numbers are those of the kernel, and systemd's freezer is ours too.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

has_controllers() { [[ $(cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null) == *memory* ]]; }
group_file() { cat "/sys/fs/cgroup$(state_field "$1" cgroup)/$2"; }

has_limit() { [[ $(group_file "$1" memory.max) == "$2" ]]; }

test_limits_hold_at_once() {
    prepare
    has_controllers || skip 'no resource controllers here'
    # Asked for, it takes 48 MiB.
    b run -d --name="$ID-web" --memory=128M -D "$ROOT" /bin/sh -c \
        'while [ ! -e /go ]; do sleep 0.1; done; dd if=/dev/zero of=/dev/null bs=48M count=1; echo $? >/done; sleep 1000' >/dev/null
    expect_rc 0 b set-property "$ID-web" MemoryMax=16M MemorySwapMax=0 TasksMax=55
    assert_eq "$(group_file "$ID-web" memory.max)" $((16 << 20))
    assert_eq "$(group_file "$ID-web" pids.max)" 55
    expect_rc 0 b update --runtime --cpus=0.5 "$ID-web"
    assert_eq "$(group_file "$ID-web" cpu.max)" '50000 100000'
    touch "$ROOT/go"
    # With half a processor the kernel may look for pages for long before it gives up.
    retry_until $((4 * SETTLE_TIMEOUT)) test -s "$ROOT/done"
    assert_ne "$(cat "$ROOT/done")" 0
    expect_rc 0 b stats --no-stream -o json "$ID-web"
    assert_eq "$(json "$OUT_FILE" 'd[0]["oom_kills"] >= 1')" true
    assert_eq "$(json "$OUT_FILE" "d[0]['memory_max_bytes'] == $((16 << 20)) and d[0]['tasks_max'] == 55")" true
    assert_eq "$(json "$OUT_FILE" '0 < d[0]["memory_bytes"] <= d[0]["memory_peak_bytes"] and not d[0]["memory_estimated"]')" true
    assert_eq "$(json "$OUT_FILE" '0 < d[0]["tasks"] < 10 and d[0]["cpu_usec"] > 0')" true
    # Kept for the next start, but for what was said to be for this one.
    rm -f "$ROOT/go"
    expect_rc 0 b restart --time=0 "$ID-web"
    assert_eq "$(group_file "$ID-web" memory.max) $(group_file "$ID-web" cpu.max)" "$((16 << 20)) max 100000"
    b rm --force "$ID-web"
    [[ -z $(find /run/systemd /etc/systemd /etc/berth "$BERTH_RUN/containers" -name "*$ID*" 2>/dev/null) ]] || fail 'settings are left'
}

test_limits_of_a_service() {
    prepare
    has_controllers || skip 'no resource controllers here'
    b create --name="$ID-web" -D "$ROOT" /bin/sleep 1000 >/dev/null
    printf '\n[Unit]\nDescription=A test\n' >>"/etc/berth/$ID-web.container"
    systemctl daemon-reload
    b start "$ID-web" >/dev/null
    assert_eq "$(state_field "$ID-web" unit)" "$ID-web.service"
    expect_rc 0 b set-property "$ID-web" MemoryMax=64M
    assert_eq "$(group_file "$ID-web" memory.max)" $((64 << 20))
    assert_eq "$(systemctl show -p MemoryMax --value "$ID-web.service")" $((64 << 20))
    # It stays so, whatever systemd does next.
    systemctl daemon-reload
    assert_eq "$(group_file "$ID-web" memory.max)" $((64 << 20))
    [[ ! -e /run/systemd/system.control/$ID-web.service.d ]] || fail 'it would outdo the definition'
    expect_rc 0 b restart --time=0 "$ID-web"
    retry_until "$SETTLE_TIMEOUT" has_limit "$ID-web" $((64 << 20))
    b rm --force "$ID-web"
    systemctl daemon-reload
}

test_frozen_unit_is_let_go() {
    prepare
    start_in_background web
    systemctl freeze "berth-$ID-web.scope" || skip 'systemd cannot freeze units here'
    assert_eq "$(b show -p state --value "$ID-web")" paused
    expect_rc 0 b resume "$ID-web"
    assert_eq "$(systemctl show -p FreezerState --value "berth-$ID-web.scope")" running
    expect_rc 0 b exec "$ID-web" /bin/true
    systemctl freeze "berth-$ID-web.scope"
    expect_rc 0 timeout 60 "$BERTHCTL" stop "$ID-web"
    is_gone "$ID-web"
    # And what we hold still, systemd can stop.
    start_in_background more
    b pause "$ID-more"
    systemctl stop "berth-$ID-more.scope"
    expect_rc 0 b wait --time=20 "$ID-more"
    assert_eq "$OUT" 0
}

run_tests
