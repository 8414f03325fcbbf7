#!/bin/bash
# hosts: vm booted
# Definitions as services: order at start and stop, readiness, restart, reload, what fails says why.
# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC2016,SC2317
. "$(dirname "$0")/containers.sh"

# Definitions of this test, and what systemd made of them, go with it.
prepare_units() {
    prepare
    mkdir -p /etc/berth
    on_exit _forget_units
}

_forget_units() {
    local path
    for path in /etc/berth/"$ID"*.container; do
        [[ -e $path ]] || continue
        systemctl stop "$(basename "$path" .container).service" 2>/dev/null || true
        systemctl reset-failed "$(basename "$path" .container).service" 2>/dev/null || true
    done
    rm -rf /etc/berth/"$ID"*
    systemctl daemon-reload
}

define() { # FILE: standard input
    mkdir -p "$(dirname "/etc/berth/$1")"
    cat >"/etc/berth/$1"
}

property() { systemctl show --property="$2" --value "$1"; }
has_state() { [[ $(property "$1" ActiveState) == "$2" ]]; }

# The time of start or stop, in microseconds since the host was booted.
when() { property "$1.service" "$2TimestampMonotonic"; }

# No work while it waits: ten of them share one emulated processor.
STAYS='Exec=/bin/sh -c "trap \"exit 0\" TERM; sleep 1000 & wait"'

test_ten_in_order() {
    prepare_units
    local i
    for i in {0..9}; do
        {
            printf '[Unit]\nPartOf=%s.target\n' "$ID"
            ((i == 0)) || printf 'After=%s%d.container\nRequires=%s%d.container\n' "$ID" $((i - 1)) "$ID" $((i - 1))
            printf '[Container]\nDirectory=%s\nStopTimeout=5s\n%s\n[Install]\nWantedBy=%s.target\n' "$ROOT" "$STAYS" "$ID"
        } | define "$ID$i.container"
    done
    printf '[Unit]\nDescription=Test\n' >"/run/systemd/system/$ID.target"
    on_exit rm -f "/run/systemd/system/$ID.target"
    systemctl daemon-reload
    systemctl start "$ID.target"
    retry_until "$SETTLE_TIMEOUT" has_state "${ID}9.service" active
    for i in {1..9}; do
        (($(when "$ID$i" InactiveExit) >= $(when "$ID$((i - 1))" ActiveEnter))) || fail "$i started before $((i - 1)) was ready"
    done
    for i in {0..9}; do
        is_running "$ID$i"
    done
    assert_match "$(cat "/proc/$(state_field "${ID}3" leader)/cgroup")" "(^|[[:space:]])0::/machine.slice/machine-berth.slice/${ID}3.service/payload"
    systemctl stop "$ID.target" "${ID}0.service"
    for i in {1..9}; do
        (($(when "$ID$((i - 1))" ActiveExit) >= $(when "$ID$i" InactiveEnter))) || fail "$((i - 1)) stopped before $i was gone"
        assert_eq "$(property "$ID$i.service" Result)" success
    done
}

test_start_and_stop_by_berthctl() {
    prepare_units
    define "$ID.container" <<<$'[Container]\nDirectory='"$ROOT"$'\n'"$STAYS"$'\nMemory=64M\n[Service]\nRestart=always\nRestartSec=0'
    # No daemon-reload by hand.
    expect_rc 0 b start "$ID"
    assert_eq "$(property "$ID.service" ActiveState)" active
    assert_eq "$(property "$ID.service" MemoryMax)" 67108864
    assert_eq "$(state_field "$ID" unit)" "$ID.service"
    # The program's own end is one that systemd answers; stop is not.
    local leader
    leader=$(state_field "$ID" leader)
    kill -KILL "$leader"
    retry_until "$SETTLE_TIMEOUT" restarted "$ID" "$leader"
    expect_rc 0 b stop "$ID"
    assert_eq "$(property "$ID.service" ActiveState)" inactive
    sleep 0.5
    is_gone "$ID"
}

test_restart_policy() {
    prepare_units
    expect_rc 0 b create --restart=on-failure:3 --name="$ID" -D "$ROOT" /bin/sh -c 'trap "exit 0" TERM; sleep 1000 & wait'
    expect_rc 0 b start "$ID"
    assert_eq "$(property "$ID.service" Restart) $(property "$ID.service" StartLimitBurst)" 'on-failure 4'
    local leader
    leader=$(state_field "$ID" leader)
    kill -KILL "$leader"
    # Once, by the unit: its supervisor leaves it to that.
    retry_until "$SETTLE_TIMEOUT" restarted "$ID" "$leader"
    assert_eq "$(property "$ID.service" NRestarts)" 1
    assert_eq "$(b show -p Restarts --value "$ID")" 0
    expect_rc 0 b stop "$ID"
    is_gone "$ID"
}

restarted() { # NAME OLD_LEADER
    local leader # read once: the file may go meanwhile
    leader=$(state_field "$1" leader) && [[ $leader =~ ^[1-9] && $leader != "$2" ]] && is_running "$1"
}

test_exit_code_and_journal() {
    prepare_units
    define "$ID.container" <<<$'[Container]\nDirectory='"$ROOT"$'\nExec=/bin/sh -c "echo from inside; sleep 0.3; exit 7"'
    systemctl daemon-reload
    systemctl start "$ID.service"
    retry_until "$SETTLE_TIMEOUT" has_state "$ID.service" failed
    assert_eq "$(property "$ID.service" ExecMainStatus)" 7
    journalctl --sync
    assert_eq "$(journalctl --no-pager -o cat -u "$ID.service" -t "$ID" | grep -c 'from inside')" 1
    expect_rc 0 b logs -o cat "$ID"
    assert_eq "$OUT" 'from inside'
    # A change of the file is noticed without a reload by hand.
    define "$ID.container" <<<$'[Container]\nDirectory='"$ROOT"$'\nExec=/bin/sh -c "exit 0"\n[Service]\nType=oneshot'
    expect_rc 0 b start "$ID"
    assert_eq "$(property "$ID.service" Result)" success
}

test_restart_on_133() {
    prepare_units
    define "$ID.container" <<<$'[Container]\nDirectory='"$ROOT"$'\nExec=/bin/sh -c "if [ -e /again ]; then exec sleep 1000; fi; touch /again; sleep 0.3; exit 133"\nStopTimeout=1s'
    systemctl daemon-reload
    systemctl start "$ID.service"
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/again"
    retry_until "$SETTLE_TIMEOUT" ran_twice "$ID.service"
    has_state "$ID.service" active
}

ran_twice() { [[ $(property "$1" NRestarts) == 1 && $(property "$1" SubState) == running ]]; }

test_reload() {
    prepare_units
    define "$ID.container" <<<$'[Container]\nDirectory='"$ROOT"$'\nExec=/bin/sh -c "trap \\"touch /reloaded\\" HUP; trap \\"exit 0\\" TERM; while :; do sleep 1000 & wait; done"\nReloadSignal=HUP'
    define "${ID}c.container" <<<$'[Container]\nDirectory='"$ROOT"$'\n'"$STAYS"$'\nReloadCmd=/bin/sh -c "echo 100%% $0 >/by-command"'
    systemctl daemon-reload
    systemctl start "$ID.service" "${ID}c.service"
    systemctl reload "$ID.service" "${ID}c.service"
    retry_until "$SETTLE_TIMEOUT" test -e "$ROOT/reloaded"
    assert_match "$(cat "$ROOT/by-command")" '^100% /bin/sh$'
}

test_broken_definition_fails_loudly() {
    prepare_units
    define "$ID.container" <<<$'[Container]\nDirectory='"$ROOT"$'\nExek=/bin/true'
    systemctl daemon-reload
    expect_rc 1 systemctl start "$ID.service"
    assert_match "$(systemctl status --no-pager --full "$ID.service" || true)" "$ID.container:3: unknown key 'Exek'.*did you mean 'Exec='"
    expect_rc 1 b start "$ID"
    assert_match "$ERR" "$ID.container:3: unknown key 'Exek'"
}

test_templates() {
    prepare_units
    define "$ID@.container" <<<$'[Container]\nDirectory='"$ROOT"$'\nEnvironment=WHICH=%i\n'"$STAYS"
    systemctl daemon-reload
    systemctl start "$ID@blue.service" "$ID@red.service"
    assert_match "$(tr '\0' '\n' <"/proc/$(state_field "$ID-blue" leader)/environ")" 'WHICH=blue'
    assert_match "$(tr '\0' '\n' <"/proc/$(state_field "$ID-red" leader)/environ")" 'WHICH=red'
    systemctl stop "$ID@blue.service"
    is_gone "$ID-blue"
    is_running "$ID-red"
    systemctl stop "$ID@red.service"
}

test_enable_and_disable() {
    prepare_units
    define "$ID.container" <<<$'[Container]\nDirectory='"$ROOT"$'\n'"$STAYS"
    expect_rc 0 b enable --now "$ID"
    assert_eq "$(property "$ID.service" ActiveState)" active
    assert_match "$(property berth.target Wants)" "$ID.service"
    assert_match "$(property multi-user.target Wants)" berth.target
    expect_rc 0 b disable --now "$ID"
    assert_eq "$(property "$ID.service" ActiveState)" inactive
    assert_no_match "$(property berth.target Wants)" "$ID.service"
}

test_generator_leaves_systemd_content() {
    prepare_units
    define "$ID.container" <<<$'[Container]\nDirectory='"$ROOT"$'\n'"$STAYS"
    systemctl daemon-reload
    expect_rc 0 systemd-analyze verify --man=no "/run/systemd/generator/$ID.service"
    assert_eq "$OUT$ERR" ''
    assert_eq "$(property "$ID.service" SourcePath)" "/etc/berth/$ID.container"
}

run_tests
