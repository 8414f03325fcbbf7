#!/bin/bash
# hosts: vm booted
# What the daemon has run for its callers, in units of the service manager: programs and shells inside, starts, removals, loads.

# shellcheck source-path=SCRIPTDIR source=berthd.sh disable=SC1091
. "$(dirname "$0")/berthd.sh"

INFINITY=18446744073709551615

sessions() { systemctl list-units --all --no-legend --plain 'berth-session-*' | wc -l; }

test_exec() {
    prepare
    start_in_background x
    printf 'hello\n' >"$TEST_TMP/in"
    : >"$TEST_TMP/out"
    : >"$TEST_TMP/err"
    # shellcheck disable=SC2016 # what looks like a variable or a specifier is none on the way
    assert_eq "$(bus Exec sssasashhh "$ID-x" user /tmp \
        '["/bin/sh", "-c", "read a; echo $a $E $1 $2; id -u; pwd; echo bad >&2; exit 7", "sh", "$HOME ${USER} %n", "-x"]' '["E=a  b"]' \
        "$TEST_TMP/in" "$TEST_TMP/out" "$TEST_TMP/err")" 7
    # shellcheck disable=SC2016
    assert_eq "$(cat "$TEST_TMP/out")" $'hello a b $HOME ${USER} %n -x\n1000\n/tmp'
    assert_match "$(cat "$TEST_TMP/err")" '^bad$'
    assert_eq "$(bus Exec sssasashhh "$ID-x" "" "" '["/bin/sh", "-c", "kill -9 $$"]' '[]' /dev/null /dev/null /dev/null)" 137
    assert_eq "$(bus Exec sssasashhh "$ID-x" "" "" '["/no/such"]' '[]' /dev/null /dev/null "$TEST_TMP/err")" 127
    expect_rc 1 bus Exec sssasashhh "$ID-x" "" relative '["true"]' '[]' /dev/null /dev/null /dev/null
    assert_match "$ERR" InvalidArgs
    expect_rc 1 bus Exec sssasashhh "$ID-x" "" "" '[]' '[]' /dev/null /dev/null /dev/null
    assert_match "$ERR" InvalidArgs
    expect_rc 1 bus Exec sssasashhh "$ID-x" "" "" '["true"]' '["noassignment"]' /dev/null /dev/null /dev/null
    assert_match "$ERR" InvalidArgs
    # Words that begin as options do are the payload's.
    assert_eq "$(bus Exec sssasashhh "$ID-x" "" "" '["--privileged"]' '[]' /dev/null /dev/null /dev/null)" 127
    retry_until "$SETTLE_TIMEOUT" gives 0 sessions
    b terminate "$ID-x"
}

# F10: who does not read stalls the program that it runs, and nothing else; and the program outlives the daemon.
test_F10_a_stalled_client_costs_the_daemon_nothing() {
    local before after
    prepare
    start_in_background y
    bus ListMachines >/dev/null
    python3 -B - "$HELPERS" "$ID-y" <<'PYTHON'
import os, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from busclient import Bus, BusError
def pss():
    pid = subprocess.run(["systemctl", "show", "-P", "MainPID", "berthd"], capture_output=True, text=True).stdout.strip()
    return int([line for line in open(f"/proc/{pid}/smaps_rollup") if line.startswith("Pss:")][0].split()[1])
bus = Bus()
read, write = os.pipe()
null = os.open("/dev/null", os.O_RDWR)
bus.manager("ListMachines")
before = pss()
serial = bus.send("org.berth1", "/org/berth1", "org.berth1.Manager", "Exec", "sssasashhh",
                  [sys.argv[2], "", "", ["/bin/sh", "-c", "yes"], [], null, write, null])
other = Bus()
for _ in range(20):
    other.manager("ListMachines")
    time.sleep(0.02)
assert pss() < before + 256, (before, pss())
# The daemon dies; the program writes on.
subprocess.run(["systemctl", "kill", "--signal=KILL", "berthd"], check=True)
try:
    bus.wait(serial)
    sys.exit("there was an answer")
except BusError as error:
    assert error.name == "org.freedesktop.DBus.Error.NoReply", error
assert other.manager("ListMachines")[0]
got = 0
while got < 1 << 20:
    got += len(os.read(read, 65536))
os.close(read)
os.close(write)
PYTHON
    retry_until "$SETTLE_TIMEOUT" bash -c '[[ -z $(systemctl list-units --all --no-legend --plain "berth-session-*") ]]'
    b terminate "$ID-y"
}

test_shell_on_a_terminal() {
    prepare
    start_in_background t
    python3 -B - "$HELPERS" "$ID-t" <<'PYTHON'
import fcntl, os, select, struct, sys, termios
sys.path.insert(0, sys.argv[1])
from busclient import Bus
bus = Bus()
terminal = bus.manager("OpenShell", "ssasas", sys.argv[2], "user", ["/bin/sh"], ["PS1=ready> "])[0]
seen = b""
def expect(text):
    global seen
    while text not in seen:
        assert select.select([terminal], [], [], 20)[0], seen
        seen += os.read(terminal, 4096)
    seen = seen[seen.index(text) + len(text):]
expect(b"ready> ")
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
os.write(terminal, b"sleep 1; stty size; id -u; echo $((40 + 2))-\n")
expect(b"33 99")
expect(b"1000")
expect(b"42-")
os.write(terminal, b"exit\n")
while True: # the other side goes
    try:
        if not os.read(terminal, 4096):
            break
    except OSError:
        break
# Who hangs up ends what ran.
terminal = bus.manager("OpenShell", "ssasas", sys.argv[2], "", ["/bin/sleep", "4321"], [])[0]
os.close(terminal)
PYTHON
    retry_until "$SETTLE_TIMEOUT" bash -c '[[ -z $(systemctl list-units --all --no-legend --plain "berth-session-*") ]]'
    b terminate "$ID-t"
}

test_definitions() {
    local file
    prepare
    file=/etc/berth/$ID-d.container
    mkdir -p /etc/berth
    on_exit rm -f "$file"
    printf '%s\n' '[Container]' "Directory=$ROOT" '[Process]' 'Exec=/bin/sleep 1000' >"$file"
    bus StartMachine s "$ID-d"
    is_running "$ID-d"
    expect_rc 1 bus StartMachine s "$ID-d"
    assert_match "$ERR" 'org.berth1.Error.Failed: .*'"$ID-d"
    expect_rc 1 bus RemoveContainer sb "$ID-d" False
    assert_match "$ERR" 'is running'
    bus StopMachine st "$ID-d" $INFINITY
    is_gone "$ID-d"
    printf '%s\n' 'NoSuchKey=1' >>"$file"
    expect_rc 1 bus StartMachine s "$ID-d"
    assert_match "$ERR" "NoSuchDefinition: $file:5: "
    rm "$file"
    expect_rc 1 bus StartMachine s "$ID-d"
    assert_match "$ERR" NoSuchDefinition
}

# A service of systemd's is stopped as one, or it would come back.
test_stop_of_a_service() {
    local file
    prepare
    file=/etc/berth/$ID-s.container
    mkdir -p /etc/berth
    on_exit rm -f "$file"
    on_exit systemctl daemon-reload
    printf '%s\n' '[Container]' "Directory=$ROOT" '[Process]' \
        'Exec=/bin/sh -c "trap '"'exit 0'"' TERM; while :; do sleep 1000 & wait; done"' '[Service]' 'Restart=always' 'RestartSec=0' >"$file"
    bus StartMachine s "$ID-s"
    assert_eq "$(systemctl is-active "$ID-s.service")" active
    bus StopMachine st "$ID-s" $INFINITY
    assert_eq "$(systemctl is-active "$ID-s.service" || true)" inactive
    is_gone "$ID-s"
}

test_load() {
    prepare
    "$HELPERS/make-image" base docker "$TEST_TMP/image.tar" name=berthd-load:1
    bus LoadImage hs "$TEST_TMP/image.tar" ""
    assert_match "$(bus ListImages)" berthd-load:1
    bus LoadImage hs "$TEST_TMP/image.tar" localhost/berthd-other:2
    bus RemoveImage sb berthd-load:1 True >/dev/null
    bus RemoveImage sb localhost/berthd-other:2 False >/dev/null
    assert_eq "$(bus ListImages | grep -c berthd-)" 0
    echo no archive >"$TEST_TMP/bad"
    expect_rc 1 bus LoadImage hs "$TEST_TMP/bad" ""
    assert_match "$ERR" org.berth1.Error.Failed
}

run_tests
