#!/bin/bash
# hosts: vm booted
# The system's own bus, polkit and service manager: activation, what is pending while they stop, restart and reload.

# shellcheck source-path=SCRIPTDIR source=berthd.sh disable=SC1091
. "$(dirname "$0")/berthd.sh"

NOBODY=65534

main_pid() { systemctl show -P MainPID berthd.service; }

test_bus_starts_it_and_killing_it_costs_nothing() {
    local i leader pid
    prepare
    start_in_background a
    leader=$(state_field "$ID-a" leader)
    for ((i = 0; i < 20; i++)); do
        assert_match "$(bus ListMachines)" "$ID-a.*running"
        pid=$(systemctl show --property=MainPID --value berthd.service)
        systemctl kill --signal=KILL berthd.service
        # A call that reaches the bus before the killed one has left it has no reply.
        retry_until "$SETTLE_TIMEOUT" pid_is_gone "$pid"
    done
    assert_match "$(bus ListMachines)" "$ID-a.*running"
    assert_eq "$(state_field "$ID-a" leader)" "$leader"
    systemctl stop berthd.service
    kill -0 "$leader"
    bus StopMachine st "$ID-a" 5000000
    assert_eq "$(bus GetMachine s "$ID-a" 2>&1 | grep -c NoSuchMachine)" 1
}

test_it_is_confined() {
    local pid
    prepare
    bus ListMachines >/dev/null
    pid=$(main_pid)
    assert_eq "$(awk '/^NoNewPrivs:|^Seccomp:/ { print $2 }' "/proc/$pid/status" | tr '\n' ' ')" '1 2 '
    # CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_KILL, CAP_SYS_PTRACE
    assert_eq "$(awk '/^CapBnd:/ { print $2 }' "/proc/$pid/status")" 000000000008002a
    expect_rc 1 nsenter -t "$pid" -m touch /usr/berth-test
    expect_rc 1 nsenter -t "$pid" -m touch /etc/berth-test
}

# F4: what a question to polkit was about is gone, or who asked it, or polkit, before the answer comes.
test_F4_nothing_is_held_over_a_question() {
    local pid polkit
    prepare
    start_in_background p
    bus ListMachines >/dev/null
    systemctl start polkit.service
    pid=$(main_pid) polkit=$(systemctl show -P MainPID polkit.service)
    on_exit systemctl start polkit.service
    kill -STOP "$polkit"
    python3 -B - "$HELPERS" "$BERTHCTL" "$ID-p" <<'PYTHON'
import os, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from busclient import Bus, BusError
berthctl, name = sys.argv[2:]
uid = os.geteuid()
os.setegid(1)
os.seteuid(1)
gone, waiting = Bus(), Bus()
path = waiting.manager("GetMachine", "s", name)[0]
# One goes away with all of its questions.
for number in range(8):
    gone.send("org.berth1", "/org/berth1", "org.berth1.Manager", "TerminateMachine", "s", [name])
gone.manager("ListMachines")
# The other stays: up to 16 of one user wait.
serials = [waiting.send("org.berth1", path, "org.berth1.Machine", "Stop", "t", [0]) for number in range(16)]
errors = 0
for serial in serials[8:]:
    try:
        waiting.wait(serial)
        sys.exit("it was served")
    except BusError as error:
        assert error.name == "org.berth1.Error.TooManyRequests", error
        errors += 1
assert errors == 8
gone.close()
os.seteuid(uid)
subprocess.run([berthctl, "terminate", name], check=True)
subprocess.run(["systemctl", "kill", "--signal=KILL", "polkit.service"], check=True)
for serial in serials[:8]:
    try:
        waiting.wait(serial)
        sys.exit("it was served")
    except BusError as error:
        assert error.name == "org.freedesktop.DBus.Error.AccessDenied", error
PYTHON
    assert_eq "$(main_pid)" "$pid"
    assert_match "$(bus ListMachines)" '^\['
}

# F14: who made the connection has ended, another process has its pid by now, and a call comes over the connection all the
# same, from a child that was left with it. The daemon holds on to what the bus took at connect, and serves nobody: the bus
# names no pid for a pidfd whose process has ended (dbus 1.16), and the daemon looks itself. Without both, this fails.
test_F14_a_pid_that_was_recycled() {
    prepare
    bus ListMachines >/dev/null
    cat >recycle.py <<'PYTHON'
import ctypes, os, signal, struct, sys, time
from busclient import Bus

def take_pid(pid):
    """clone3(2) with set_tid; the new process waits for its end."""
    wanted = (ctypes.c_int * 1)(pid)
    arguments = ctypes.create_string_buffer(struct.pack("<11Q", 0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, ctypes.addressof(wanted), 1, 0))
    got = ctypes.CDLL(None, use_errno=True).syscall(435, arguments, 88)
    if got == 0:
        while True:
            signal.pause()
    return got

def child(bus, go, said):
    os.write(said, b"r")
    os.read(go, 1)
    serial = bus.send("org.berth1", "/org/berth1", "org.berth1.Manager", "ListMachines")
    os.write(said, b"s")
    os.read(go, 1)
    bus.socket.settimeout(1)
    try:
        bus.wait(serial)
        os.write(said, b"+")
    except TimeoutError:
        os.write(said, b"-")

def attempt(ends):
    go_read, go = os.pipe()
    said, said_write = os.pipe()
    caller = os.fork()
    if caller == 0:
        bus = Bus()
        if os.fork() == 0:
            child(bus, go_read, said_write)
        elif not ends:
            signal.pause()
        os._exit(0)
    assert os.read(said, 1) == b"r"
    if ends:
        os.waitpid(caller, 0)
        got = take_pid(caller)
        if got != caller:
            print("skip: clone3 with set_tid:", got, ctypes.get_errno())
            sys.exit(0)
    os.write(go, b"1")
    assert os.read(said, 1) == b"s"
    # Another one's call is served meanwhile: the daemon has come by.
    time.sleep(0.5)
    Bus().manager("ListMachines")
    os.write(go, b"2")
    answer = os.read(said, 1).decode()
    os.kill(caller, signal.SIGKILL)
    os.waitpid(caller, 0)
    return answer

print(attempt(ends=False), attempt(ends=True))
PYTHON
    PYTHONPATH=$HELPERS python3 recycle.py >out
    [[ $(cat out) != skip* ]] || skip "$(cat out)"
    assert_eq "$(cat out)" '+ -'
}

test_without_polkit_only_root_may() {
    prepare
    start_in_background n
    systemctl mask --runtime --now polkit.service
    on_exit systemctl unmask --runtime polkit.service
    expect_rc 1 bus --uid=$NOBODY TerminateMachine s "$ID-n"
    assert_match "$ERR" AccessDenied
    expect_rc 1 bus --uid=$NOBODY --interactive TerminateMachine s "$ID-n"
    assert_match "$ERR" AccessDenied
    systemctl unmask --runtime polkit.service
    # And without the actions' file.
    mv /usr/share/polkit-1/actions/org.berth1.policy "$TEST_TMP/policy"
    on_exit mv "$TEST_TMP/policy" /usr/share/polkit-1/actions/org.berth1.policy
    systemctl restart polkit.service
    expect_rc 1 bus --uid=$NOBODY TerminateMachine s "$ID-n"
    assert_match "$ERR" AccessDenied
    bus TerminateMachine s "$ID-n"
}

# R22
test_R22_reloads_in_the_middle_of_calls() {
    local i pid
    prepare
    start_in_background r
    bus ListMachines >/dev/null
    pid=$(main_pid)
    for ((i = 0; i < 5; i++)); do
        bus ListMachines >/dev/null &
        busctl --quiet call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig
        systemctl daemon-reload
        systemctl reset-failed polkit.service || true # it may be started only so often
        systemctl restart polkit.service
        expect_rc 1 bus --uid=1 TerminateMachine s "$ID-r"
        assert_match "$ERR" 'AccessDenied|InteractiveAuthorizationRequired'
        wait $!
    done
    assert_eq "$(main_pid)" "$pid"
    bus TerminateMachine s "$ID-r"
}

bus_answers() { bus ListMachines; }
machined_knows() { [[ $(machinectl show "$1" -P Unit) == "berth-$1.scope" ]]; }
starts() { b run -d --name="$1" -D "$ROOT" /bin/sleep 1000; }

# The bus itself ends, while calls are under way: what runs goes on, and everything is back with the bus.
test_R22_the_bus_is_restarted() {
    local leader round old=''
    [[ $BERTH_HOST == booted ]] || skip 'one machine is enough, and the emulated one is slow'
    prepare
    ID=${ID//[^a-zA-Z0-9]/-}
    start_in_background r
    leader=$(state_field "$ID-r" leader)
    for round in 1 2 3; do
        retry_until "$SETTLE_TIMEOUT" bus_answers
        (for _ in 1 2 3 4 5; do bus ListMachines >/dev/null 2>&1 || true; done) &
        systemctl kill --signal=KILL dbus.service
        wait $! || true
        # The state files do not need it.
        expect_rc 0 b list --no-legend
        assert_match "$OUT" "$ID-r .*running"
        expect_rc 0 b exec "$ID-r" /bin/true
        retry_until "$SETTLE_TIMEOUT" bus_answers
        retry_until "$SETTLE_TIMEOUT" starts "$ID-$round"
        retry_until "$SETTLE_TIMEOUT" machined_knows "$ID-$round"
        assert_match "$(bus ListMachines)" "$ID-$round.*$ID-r"
        [[ -z $old ]] || assert_no_match "$(bus ListMachines)" "$old"
        expect_rc 0 b stop --time=0 "$ID-$round"
        old=$ID-$round
    done
    assert_eq "$(state_field "$ID-r" leader)" "$leader"
    expect_rc 0 b stop "$ID-r"
    ! machinectl show "$ID-r" >/dev/null 2>&1
}

run_tests
