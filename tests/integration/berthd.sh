# shellcheck shell=bash disable=SC2034 # the scripts use what is set here
# What the scripts about berthd share, on top of containers.sh. On the build machine a test has a bus of its own, with the
# policy that is installed elsewhere, and a daemon that the test starts; in the virtual machine they are the system's.

# shellcheck source-path=SCRIPTDIR source=containers.sh
. "$(dirname "${BASH_SOURCE[0]}")/containers.sh"

UNITS=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../../units")

bus() { "$HELPERS/bus" "$@"; }

daemon_program() {
    local place
    for place in "${BERTHD-}" "$(dirname "$BERTHCTL")/../daemon/berthd" /usr/libexec/berth/berthd; do
        [[ -z $place || ! -x $place ]] || { printf '%s\n' "$place"; return; }
    done
    skip "berthd is not built"
}

start_bus() {
    { local - && set +x; } 2>/dev/null
    command -v dbus-daemon >/dev/null || skip "there is no dbus-daemon"
    cat >"$TEST_TMP/bus.conf" <<CONF
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
    "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=$TEST_TMP/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><deny own="*"/><deny send_type="method_call"/>
    <allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/><allow receive_type="method_call"/>
    <allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <include>$UNITS/org.berth1.conf</include>
</busconfig>
CONF
    chmod 711 "$TEST_TMP"
    export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$TEST_TMP/bus
    dbus-daemon --config-file="$TEST_TMP/bus.conf" --nofork --nopidfile >"$TEST_TMP/bus.log" 2>&1 &
    on_exit kill $!
    retry_until "$SETTLE_TIMEOUT" test -S "$TEST_TMP/bus"
}

# Starts the daemon and waits until it serves; its pid is in $DAEMON, what it logs in $DAEMON_LOG.
start_daemon() { # OPTION...
    { local - && set +x; } 2>/dev/null
    DAEMON_LOG=$TEST_TMP/daemon.log
    "$(daemon_program)" "$@" >>"$DAEMON_LOG" 2>&1 &
    DAEMON=$!
    on_exit end_daemon "$DAEMON"
    retry_until "$SETTLE_TIMEOUT" bus ListMachines
}

end_daemon() { # PID
    kill "$1" 2>/dev/null || return 0
    local i
    for ((i = 0; i < 100; i++)); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.05
    done
    kill -KILL "$1"
}

# State files as launchers write them, of machines whose first process is PID or this shell.
simulate_machines() { # COUNT [PID]
    { local - && set +x; } 2>/dev/null
    python3 -B - "$BERTH_RUN/machines" "$1" "${2-$$}" <<'PYTHON'
import json, os, sys
directory, count, pid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
started = int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[19])
boot = open("/proc/sys/kernel/random/boot_id").read().strip()
os.makedirs(directory, mode=0o700, exist_ok=True)
for number in range(count):
    name = f"sim-{number:03}"
    record = dict(schema=1, name=name, id="%064x" % number, image="localhost/web:latest", image_id="sha256:" + "a" * 64,
                  command=["/usr/bin/server", "--verbose", "--listen=0.0.0.0:8080"], unit=f"berth-{name}.scope",
                  cgroup=f"/machine.slice/machine-berth.slice/berth-{name}.scope", boot_id=boot, supervisor=0, leader=pid,
                  leader_started=started, environment=["PATH=/usr/bin", "HOME=/root", "SECRET=very"], created_usec=1, started_usec=2)
    with open(f"{directory}/.#{name}", "w") as file:
        json.dump(record, file)
    os.rename(f"{directory}/.#{name}", f"{directory}/{name}")
PYTHON
}
