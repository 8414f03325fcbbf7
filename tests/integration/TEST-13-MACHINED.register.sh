#!/bin/bash
# hosts: vm booted
# Containers are machines to systemd-machined: registered, named, and gone with their end, however it comes.

# shellcheck source-path=SCRIPTDIR source=containers.sh disable=SC1091
. "$(dirname "$0")/containers.sh"

# Each round is a start, a death and a start under the same name. More of them: BERTH_TEST_RESTARTS=200.
RESTARTS=${BERTH_TEST_RESTARTS:-12}

prepare_machined() {
    prepare
    # Names of machines are host names.
    ID=${ID//[^a-zA-Z0-9]/-}
    command -v machinectl >/dev/null || skip 'there is no machinectl'
}

machine() { # NAME PROPERTY
    machinectl show "$1" -P "$2"
}

is_no_machine() { ! machinectl show "$1" >/dev/null 2>&1; }

leader_is_registered() { # NAME
    [[ $(machine "$1" Leader) == "$(state_field "$1" leader)" ]]
}

test_who_is_registered() {
    prepare_machined
    start_in_background a
    assert_eq "$(machine "$ID-a" Leader) $(machine "$ID-a" Service) $(machine "$ID-a" Class)" \
        "$(state_field "$ID-a" leader) berth container"
    assert_eq "$(machine "$ID-a" Unit)" "berth-$ID-a.scope"
    assert_eq "$(b show "$ID-a" -p Registered --value)" yes
    # What ps -o machine, systemd-cgls and others go by.
    assert_eq "$(readlink "/run/systemd/machines/unit:berth-$ID-a.scope")" "$ID-a"
    start_in_background n --register=no
    is_no_machine "$ID-n" || fail 'registered against --register=no'
    # In the foreground only when asked.
    sh_in "sleep 1" --register=yes &
    retry_until "$SETTLE_TIMEOUT" machine "$ID" Leader
    wait $!
    is_no_machine "$ID" || fail 'still registered after its end'
    sh_in "sleep 1" &
    retry_until "$SETTLE_TIMEOUT" is_running "$ID"
    is_no_machine "$ID" || fail 'a plain foreground run is registered'
    wait $!
    b terminate "$ID-a"
    is_no_machine "$ID-a" || fail 'still registered after terminate'
    b terminate "$ID-n"
}

test_refusals() {
    prepare_machined
    expect_rc 125 b run --name="$ID" --register=maybe -D "$ROOT" /bin/true
    assert_match "$ERR" "'maybe' is not one of: auto, yes, no"
    # machined takes host names only: no hindrance unless it was asked for.
    expect_rc 125 b run --name="${ID}_x" --register=yes -D "$ROOT" /bin/true
    assert_match "$ERR" 'host names only'
    expect_rc 0 b run -d --rm --name="${ID}_x" -D "$ROOT" /bin/true
    assert_no_match "$ERR" machined
    # A machine of somebody else's.
    local pid
    systemd-run -q --unit "$ID-foreign" sleep 1000
    on_exit systemctl stop "$ID-foreign"
    pid=$(systemctl show -P MainPID "$ID-foreign")
    busctl call org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager \
        RegisterMachineWithNetwork sayssusai "$ID-o" 0 other container "$pid" '' 0 >/dev/null
    expect_rc 125 b run --name="$ID-o" --register=yes -D "$ROOT" /bin/sleep 1000
    assert_match "$ERR" "knows another machine named '$ID-o'"
    assert_no_trace "$ID-o"
    expect_rc 0 b run -d --stop-signal=KILL --name="$ID-o" -D "$ROOT" /bin/sleep 1000
    assert_match "$ERR" 'not registered with systemd-machined: .*another machine'
    assert_eq "$(machine "$ID-o" Leader)" "$pid"
    b rm --force "$ID-o"
    # And it is not taken away from them.
    assert_eq "$(machine "$ID-o" Leader)" "$pid"
    busctl call org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager \
        UnregisterMachine s "$ID-o"
}

test_without_machined() {
    prepare_machined
    systemctl mask --runtime --now -q dbus-org.freedesktop.machine1.service systemd-machined
    on_exit systemctl unmask --runtime -q dbus-org.freedesktop.machine1.service systemd-machined
    expect_rc 125 b run --name="$ID-y" --register=yes -D "$ROOT" /bin/sleep 1000
    assert_match "$ERR" "did not register '$ID-y'"
    assert_no_trace "$ID-y"
    expect_rc 0 b run -d --rm --name="$ID-d" -D "$ROOT" /bin/sleep 1000
    assert_match "$ERR" 'not registered with systemd-machined: '
    b terminate "$ID-d"
}

test_keep_unit() {
    prepare_machined
    systemd-run -q --unit "$ID-service" -p Delegate=yes -p Type=notify "$BERTHCTL" run --keep-unit --stop-signal=KILL --name="$ID-k" \
        -D "$ROOT" /bin/sleep 1000
    assert_eq "$(machine "$ID-k" Unit)" "$ID-service.service"
    systemctl stop "$ID-service"
    is_no_machine "$ID-k" || fail 'still registered'
}

test_machinectl_on_a_program() {
    prepare_machined
    # machined copies without being in the container's user namespace, as the host's root: in a tree that is mapped, nobody.
    start_in_background m --userns=host
    assert_match "$(machinectl list --no-legend --no-pager)" "$ID-m +container +berth +berth-test"
    assert_match "$(machinectl status --no-pager "$ID-m")" "Unit: berth-$ID-m.scope"
    assert_eq "$(ps -o machine= -p "$(state_field "$ID-m" leader)" | tr -d ' ')" "$ID-m"
    # The policy lets machined read no files of users; berthctl may.
    if [[ $(getenforce 2>/dev/null) != Enforcing ]]; then
        echo data >file
        machinectl copy-to "$ID-m" "$TEST_TMP/file" /tmp/file
        assert_eq "$(b exec "$ID-m" cat /tmp/file)" data
    fi
    machinectl kill --kill-whom=leader -s TERM "$ID-m"
    retry_until "$SETTLE_TIMEOUT" is_gone "$ID-m"
    is_no_machine "$ID-m" || fail 'still registered after kill'
    start_in_background t
    machinectl terminate "$ID-t"
    # The orderly stop of the scope: the trap of the payload gave 0.
    assert_eq "$(b wait "$ID-t")" 0
    retry_until "$SETTLE_TIMEOUT" is_no_machine "$ID-t"
    b rm "$ID-m" "$ID-t"
}

# An address makes nss-mymachines and GetMachineAddresses answer.
test_addresses() {
    prepare_machined
    start_in_background a
    nsenter -t "$(state_field "$ID-a" leader)" -n ip address add 192.0.2.7/32 dev lo scope global
    assert_match "$(machinectl status --no-pager "$ID-a")" 'Address: 192.0.2.7'
    if ldconfig -p | grep -q libnss_mymachines; then
        assert_match "$(getent -s mymachines ahosts "$ID-a")" '^192.0.2.7 '
    fi
    b terminate "$ID-a"
}

name_is_free() { # NAME
    [[ ! -e $BERTH_RUN/locks/$1 ]] || flock -n "$BERTH_RUN/locks/$1" true
}

# Without a pause: what comes next is to meet what they leave at once.
await_end() { # PID...
    { local - && set +x; } 2>/dev/null
    local pid
    for pid; do
        while kill -0 "$pid" 2>/dev/null; do :; done
    done
}

# R8: whoever is killed, the next start never meets "already exists", and what is registered is what runs.
one_round() { # NUMBER
    local supervisor leader launcher
    case $(($1 % 4)) in
        0) # the supervisor and the payload
            start_in_background r --rm
            supervisor=$(state_field "$ID-r" supervisor) leader=$(state_field "$ID-r" leader)
            leader_is_registered "$ID-r" || fail "round $1: the leader is not what is registered"
            kill -KILL "$supervisor" "$leader"
            await_end "$supervisor" "$leader"
            ;;
        1) # the launcher, in the middle of it
            "$BERTHCTL" run --rm --register=yes --name="$ID-r" -D "$ROOT" /bin/sleep 1000 &
            launcher=$!
            sleep "0.0$(($1 % 100))"
            kill -KILL "$launcher"
            wait "$launcher" || true
            b terminate "$ID-r" || true
            retry_until "$SETTLE_TIMEOUT" name_is_free "$ID-r"
            ;;
        2) # nobody
            start_in_background r --rm
            b terminate "$ID-r"
            ;;
        3) # all of it at once, by systemd
            start_in_background r --rm
            supervisor=$(state_field "$ID-r" supervisor) leader=$(state_field "$ID-r" leader)
            systemctl kill -s KILL "berth-$ID-r.scope"
            await_end "$supervisor" "$leader"
            ;;
    esac
    expect_rc 0 b run -d --rm --register=yes --name="$ID-r" -D "$ROOT" /bin/sleep 1000
    leader_is_registered "$ID-r" || fail "round $1: registered is $(machine "$ID-r" Leader)"
    b terminate "$ID-r"
}

test_R8_restart_loop() {
    prepare_machined
    local number
    for ((number = 0; number < RESTARTS; number++)); do
        one_round "$number"
    done
    retry_until "$SETTLE_TIMEOUT" is_no_machine "$ID-r"
    assert_no_trace "$ID-r"
}

# A machine whose registration machined forgot, or that it read back, is still one.
test_R22_restarts_of_services() {
    prepare_machined
    start_in_background s --rm
    systemctl restart systemd-machined
    leader_is_registered "$ID-s" || fail 'lost by a restart of systemd-machined'
    systemctl daemon-reload
    systemctl restart systemd-journald
    leader_is_registered "$ID-s" || fail 'lost by daemon-reload'
    b terminate "$ID-s"
    is_no_machine "$ID-s" || fail 'still registered after its end'
    start_in_background s --rm
    leader_is_registered "$ID-s" || fail 'not registered after the restarts'
    b terminate "$ID-s"
}

run_tests
