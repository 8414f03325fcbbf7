#!/bin/bash
# hosts: host vm booted
# Who may do what over the bus: every method, by everybody, on what there is and what there is not. Polkit is there in the
# virtual machine only; without it root alone may.

# shellcheck source-path=SCRIPTDIR source=berthd.sh disable=SC1091
. "$(dirname "$0")/berthd.sh"

set_up() {
    prepare
    if [[ $BERTH_HOST == host ]]; then
        start_bus
        (umask 077 && mkdir -p "$BERTH_RUN")
        start_daemon
    fi
}

# A program that makes the machine sim-000 anew, of a process that one may kill.
simulator() {
    DATA=${BERTH_DATA_DIR:-/var/lib/berth}
    (umask 077 && mkdir -p "$DATA/volumes")
    {
        echo '#!/bin/bash'
        declare -f simulate_machines
        echo "BERTH_RUN=$BERTH_RUN"
        # The process waits for no one: its parent is gone.
        # shellcheck disable=SC2016
        echo 'read -r pid < <(setsid sleep 100 >/dev/null 2>&1 & echo $!)'
        echo 'for old in '"$TEST_TMP"'/leaders/*; do [[ ! -e $old ]] || { kill -KILL "${old##*/}" 2>/dev/null; rm -f "$old"; }; done'
        echo 'mkdir -p '"$TEST_TMP"'/leaders; : >'"$TEST_TMP"'/leaders/$pid'
        echo 'simulate_machines 1 "$pid"'
        echo "mkdir -p '$DATA/volumes/sim-000/data'"
    } >"$TEST_TMP/simulate"
    chmod +x "$TEST_TMP/simulate"
    on_exit end_simulation
}

end_simulation() {
    local leader
    for leader in "$TEST_TMP"/leaders/*; do
        [[ ! -e $leader ]] || kill -KILL "${leader##*/}" 2>/dev/null || true
    done
    rm -rf "${DATA:?}/volumes/sim-000" "${DATA:?}/volumes/not-there"
    rm -f "$BERTH_RUN/machines/sim-000" "$BERTH_RUN/locks/sim-000"
}

# Users whom polkit's rules grant one tier and those below.
grant() {
    local tier number=4800 rules=/etc/polkit-1/rules.d/10-berth-test.rules
    [[ $BERTH_HOST != host ]] || return 0
    cp -a /etc/passwd "$TEST_TMP/passwd"
    on_exit cp -a "$TEST_TMP/passwd" /etc/passwd
    on_exit rm -f "$rules"
    GRANTED=()
    for tier in inspect register manage root; do
        number=$((number + 1))
        echo "berth-$tier:x:$number:65534::/:/bin/false" >>/etc/passwd
        GRANTED+=("berth-$tier=$tier")
    done
    cat >"$rules" <<'RULES'
polkit.addRule(function(action, subject) {
    var tiers = ["inspect-others", "register", "manage", "root-equivalent"];
    var users = ["berth-inspect", "berth-register", "berth-manage", "berth-root"];
    var tier = tiers.indexOf(action.id.replace("org.berth1.", ""));
    if (action.id.indexOf("org.berth1.") == 0 && users.indexOf(subject.user) >= tier)
        return polkit.Result.YES;
});
RULES
    chmod 644 "$rules"
    systemctl restart polkit
}

test_F3_matrix() {
    GRANTED=()
    set_up
    simulator
    grant
    expect_rc 0 "$HELPERS/bus-matrix" "$(daemon_program)" "$TEST_TMP/simulate" "${GRANTED[@]}"
    echo "# $(tail -n 1 "$OUT_FILE")"
}

# What may be registered, by whom, and what can be done with it then. Without polkit only root gets that far.
test_F3_registration() {
    set_up
    grant
    expect_rc 0 python3 -B - "$HELPERS" "$BERTHCTL" "$BERTH_HOST" "$BERTH_RUN" <<'PYTHON'
import os, pwd, signal, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from busclient import Bus, BusError
berthctl, host, run = sys.argv[2:]
DENIED, INVALID, EXISTS = "org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.InvalidArgs", "org.berth1.Error.MachineExists"

def connect(user):
    if user == "root":
        return Bus()
    uid = pwd.getpwnam(user).pw_uid
    os.setegid(uid)
    os.seteuid(uid)
    try:
        return Bus()
    finally:
        os.seteuid(0)
        os.setegid(0)

def start(user, *prefix):
    """A process of the user's that waits; its Popen and a pidfd."""
    uid = pwd.getpwnam(user).pw_uid
    process = subprocess.Popen([*prefix, "sleep", "1000"], user=uid, group=uid, extra_groups=[])
    time.sleep(0.3)
    return process, os.pidfd_open(process.pid)

def attempt(bus, member, signature, *arguments):
    try:
        bus.manager(member, signature, *arguments)
    except BusError as error:
        return error.name

def register(bus, fd, name="reg-1", kind="container", service="test", root="", id=""):
    return attempt(bus, "RegisterMachine", "sssssh", name, kind, service, root, id, fd)

root = Bus()
process, fd = start("daemon", "unshare", "--user", "--map-root-user")
# What makes no sense is refused before anybody is asked.
for wrong in (dict(name=".host"), dict(name="host"), dict(name="a/b"), dict(name=""), dict(name="x" * 65), dict(kind="host"),
              dict(kind="vm"), dict(kind=""), dict(service=""), dict(service="a b"), dict(root="relative"), dict(root="/a/../b"), dict(id="12"),
              dict(id="G" * 64)):
    assert register(root, fd, **wrong) == INVALID, wrong
null = os.open("/dev/null", os.O_RDWR)
assert register(root, null) == INVALID
assert register(root, os.pidfd_open(1)) == DENIED
# Root registers anybody's, once.
assert register(root, fd) is None
assert register(root, fd) == EXISTS
path = root.manager("GetMachine", "s", "reg-1")[0]
seen = root.properties(path, "org.berth1.Machine")
assert (seen["Owner"], seen["Leader"], seen["Service"], seen["Class"]) == (0, process.pid, "test", "container"), seen
# Nobody enters it by us: what waits there is not ours.
assert subprocess.run([berthctl, "exec", "reg-1", "true"], stderr=subprocess.DEVNULL).returncode != 0
assert attempt(root, "UnregisterMachine", "s", "reg-1") is None
assert attempt(root, "UnregisterMachine", "s", "reg-1") is None
assert root.manager("ListMachines")[0] == []
os.kill(process.pid, 0)
# When the leader ends, the machine is gone, and it is told.
root.listen("type='signal',interface='org.berth1.Manager'")
root.manager("Subscribe")
assert register(root, fd, name="reg-2") is None
process.kill()
process.wait()
assert root.next_signal(lambda m: m.fields["member"] == "MachineRemoved").body[0] == "reg-2"
assert root.manager("ListMachines")[0] == [] and not os.path.exists(f"{run}/machines/reg-2")
assert register(root, fd) == INVALID
if host == "host":
    sys.exit()

user, other, manager = connect("berth-register"), connect("berth-inspect"), connect("berth-root")
own, own_fd = start("berth-register", "unshare", "--user", "--map-root-user")
plain, plain_fd = start("berth-register")
foreign, foreign_fd = start("berth-inspect", "unshare", "--user", "--map-root-user")
roots = subprocess.Popen(["sleep", "1000"])
try:
    for what, wrong in (("PID 1", os.pidfd_open(1)), ("root's", os.pidfd_open(roots.pid)), ("another user's", foreign_fd),
                        ("in the host's user namespace", plain_fd)):
        assert register(user, wrong) == DENIED, what
        assert what == "PID 1" or what == "in the host's user namespace" or register(manager, wrong) == DENIED, what
    assert register(other, foreign_fd) in (DENIED, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired")
    assert register(user, own_fd, name="reg-3", id="ab" * 32) is None
    path = user.manager("GetMachine", "s", "reg-3")[0]
    assert user.properties(path, "org.berth1.Machine")["Id"] == "ab" * 32
    assert other.properties(path, "org.berth1.Machine")["Id"] == ""
    # The owner's, and nobody else's.
    for member, signature, arguments in (("KillMachine", "ssi", ("reg-3", "leader", 10)), ("UnregisterMachine", "s", ("reg-3",))):
        assert attempt(other, member, signature, *arguments) in (DENIED, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"), member
    assert attempt(user, "OpenShell", "ssasas", "reg-3", "", [], []) in (DENIED, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired")
    status = manager.manager("Exec", "sssasashhh", "reg-3", "", "", ["true"], [], null, null, null)[0]
    assert status == 125, status
    assert attempt(user, "DescribeMachine", "s", "reg-3") is None
    assert attempt(user, "TerminateMachine", "s", "reg-3") is None
    own.wait()
    assert user.manager("ListMachines")[0] == []
finally:
    for left in (own, plain, foreign, roots):
        left.kill()
PYTHON
}

run_tests
