#!/bin/bash
# hosts: vm booted
# Events in the journal: found by unit, by MESSAGE_ID and by `events`, explained by the catalogue.
. "$(dirname "$0")/containers.sh"

kinds() { b events --no-follow --filter container="$ID" "$@" | cut -d' ' -f3 | tr '\n' ' '; }

test_events_in_the_journal() {
    prepare
    b run -d --name="$ID" -D "$ROOT" /bin/sh -c 'echo line; exit 7' >/dev/null
    b wait "$ID" >/dev/null
    b rm "$ID"
    journalctl --sync
    assert_eq "$(kinds)" 'create start die exit remove '
    assert_eq "$(kinds --filter code=7)" 'die exit '
    # The unit's own log tells them too, and none of it is a line of the container's.
    journalctl --no-pager -o cat -u "berth-$ID.scope" >unit
    grep -qx "Container $ID has started" unit
    grep -qx "Container $ID has ended with status 7" unit
    assert_eq "$(b logs --instance=all "$ID")" line
    journalctl --no-pager -o json BERTH_EVENT=die CONTAINER_NAME="$ID" >json
    python3 - json "$ID" <<'PYTHON'
import json, sys
e, = map(json.loads, open(sys.argv[1]))
assert (e['CONTAINER_EXIT_CODE'], e['CONTAINER_EXIT_SIGNAL'], e['OBJECT_SYSTEMD_UNIT']) == ('7', '0', 'berth-%s.scope' % sys.argv[2]), e
PYTHON
}

test_catalogue() {
    prepare
    local id
    journalctl --update-catalog
    b run -d --name="$ID" -D "$ROOT" /bin/true >/dev/null
    b wait "$ID" >/dev/null
    journalctl --sync
    id=$(journalctl --no-pager -o json BERTH_EVENT=start CONTAINER_NAME="$ID" | python3 -c 'import json,sys; print(json.loads(sys.stdin.readline())["MESSAGE_ID"])')
    journalctl --dump-catalog "$id" | grep -q 'The program of the container runs'
    journalctl --no-pager -x MESSAGE_ID="$id" CONTAINER_NAME="$ID" | grep -q "Subject: Container $ID has started"
}

test_follow() {
    prepare
    timeout 60 "$BERTHCTL" events --filter container="$ID" -o json >followed &
    local pid=$!
    sleep 1
    b run --rm --name="$ID" -D "$ROOT" /bin/true
    retry_until "$SETTLE_TIMEOUT" grep -q '"remove"' followed
    kill "$pid"
    assert_eq "$(python3 -c 'import json,sys; print(*[json.loads(l)["event"] for l in sys.stdin])' <followed)" 'start die exit remove'
}

test_oom() {
    prepare
    [[ -e /sys/fs/cgroup/machine.slice/memory.events || -e /sys/fs/cgroup/system.slice/memory.events ]] || skip 'no memory controller'
    install_helper probe
    b run -d --name="$ID" --memory=32M --property=MemorySwapMax=0 -D "$ROOT" /bin/sh -c '/bin/probe memory 200; sleep 2; exit 5' >/dev/null
    # Told when it happens, not only at the end.
    retry_until "$SETTLE_TIMEOUT" sh -c "\"$BERTHCTL\" events --no-follow --filter container=$ID | grep -q ' oom '"
    b wait "$ID" >/dev/null
    journalctl --sync
    # While the kernel takes back what the first had, the shell that goes on may become the next: that is the kernel's choice.
    assert_match "$(kinds)" '^create start (oom )+die exit $'
    assert_match "$(b events --no-follow --filter event=die --filter container="$ID")" 'code=(5|137).*oom_kills=[1-9]'
}

# What the journal does not take is in the file, in its place in time.
test_stopped_journal() {
    prepare
    local journald
    journald=$(systemctl show --property=MainPID --value systemd-journald)
    on_exit kill -CONT "$journald"
    kill -STOP "$journald"
    python3 - <<'PYTHON'
import socket
sent, sockets = 1, []
while sent > 0: # each of them is allowed only so much
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    s.connect('/run/systemd/journal/socket')
    sockets.append(s)
    sent = 0
    try:
        while True:
            s.send(b'MESSAGE=berth test fills the queue\nPRIORITY=7\n')
            sent += 1
    except BlockingIOError:
        pass
PYTHON
    b run --rm --name="$ID" -D "$ROOT" /bin/false && fail 'false is true'
    grep -q '"die"' "$BERTH_RUN/events"
    kill -CONT "$journald"
    journalctl --sync
    assert_eq "$(kinds)" 'start die exit remove '
    rm -f "$BERTH_RUN/events"
}

run_tests
