#!/bin/bash
# hosts: host
# The OCI runtime command line. Each test states what the runtime specification asks for, of whatever runtime RUNTIME names:
# RUNTIME=crun shows the same of another one, where that runs (tests that are about Berth's own choices are left out then).
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2016,SC2317
. "$(dirname "$0")/lib.sh"

OWN_RUNTIME=$(dirname "$BERTHCTL")/../runtime/berth-runtime
[[ -x $OWN_RUNTIME ]] || OWN_RUNTIME=$(dirname "$BERTHCTL")/berth-runtime
RUNTIME=${RUNTIME:-$OWN_RUNTIME}

own_only() { [[ $RUNTIME == "$OWN_RUNTIME" ]] || skip "about berth-runtime itself"; }

rt() { "$RUNTIME" --root "$TEST_TMP/root" "$@"; }

# A bundle at $TEST_TMP/NAME: config.json as jq(1)-like Python statements on `c` change it.
bundle() { # NAME STATEMENTS
    mkdir -p "$TEST_TMP/$1"
    [[ -d $TEST_TMP/$1/rootfs ]] || make_rootfs "$TEST_TMP/$1/rootfs"
    (cd "$TEST_TMP/$1" && rm -f config.json && "$OWN_RUNTIME" spec)
    CHANGE=$2 python3 - "$TEST_TMP/$1/config.json" <<'PYTHON'
import json, os, sys
c = json.load(open(sys.argv[1]))
c["process"]["terminal"] = False
p, l, r = c["process"], c["linux"], c["linux"]["resources"]
def sh(text):
    p["args"] = ["/bin/sh", "-c", text]
exec(os.environ["CHANGE"])
json.dump(c, open(sys.argv[1], "w"))
PYTHON
}

delete_all() {
    local id
    for id in $(ls "$TEST_TMP/root" 2>/dev/null); do
        rt delete --force "$id"
    done
}
# Whatever a failed test leaves.
prepare() { on_exit delete_all; }

run_bundle() { # NAME STATEMENTS
    bundle "$1" "$2"
    (cd "$TEST_TMP/$1" && rt run "$ID-$1")
}

status_is() { # ID STATUS
    [[ $(rt state "$1" | python3 -c 'import json,sys; print(json.load(sys.stdin)["status"])') == "$2" ]]
}

ID=r$$

test_lifecycle() {
    prepare
    bundle a 'sh("echo ran > /out/file; exec sleep 600"); c["root"]["readonly"] = False; c["annotations"] = {"k": "v"}'
    mkdir -p "$TEST_TMP/a/rootfs/out"
    expect_rc 0 rt create --bundle "$TEST_TMP/a" --pid-file "$TEST_TMP/pid" "$ID-a"
    status_is "$ID-a" created || fail "not created"
    # Nothing of the program ran, and a process waits, which is the container's first.
    [[ ! -e $TEST_TMP/a/rootfs/out/file ]] || fail "it ran before its start"
    kill -0 "$(<"$TEST_TMP/pid")" || fail "there is no process"
    assert_ne "$(readlink "/proc/$(<"$TEST_TMP/pid")/ns/pid")" "$(readlink /proc/self/ns/pid)"
    expect_rc 0 rt state "$ID-a"
    assert_match "$OUT" "\"pid\": $(<"$TEST_TMP/pid")"
    assert_match "$OUT" "\"id\": \"$ID-a\""
    assert_match "$OUT" "\"bundle\": \"$TEST_TMP/a\""
    assert_match "$OUT" '"k": "v"'
    # A second one of that name is an error and changes nothing.
    expect_rc 1 rt create --bundle "$TEST_TMP/a" "$ID-a"
    expect_rc 1 rt delete "$ID-a"
    status_is "$ID-a" created || fail "an error changed it"
    expect_rc 0 rt start "$ID-a"
    retry_until "$SETTLE_TIMEOUT" test -s "$TEST_TMP/a/rootfs/out/file"
    status_is "$ID-a" running || fail "not running"
    expect_rc 1 rt start "$ID-a"
    expect_rc 0 rt list -q
    assert_match "$OUT" "^$ID-a\$"
    expect_rc 0 rt ps --format json "$ID-a"
    assert_match "$OUT" "$(<"$TEST_TMP/pid")"
    expect_rc 0 rt kill "$ID-a" KILL
    retry_until "$SETTLE_TIMEOUT" status_is "$ID-a" stopped
    expect_rc 1 rt kill "$ID-a" 0
    expect_rc 0 rt delete "$ID-a"
    expect_rc 1 rt state "$ID-a"
    expect_rc 1 rt delete "$ID-a"
    expect_rc 0 rt delete --force "$ID-a"
}

test_nothing_stays_beside_it() {
    own_only
    prepare
    bundle a 'sh("exec sleep 600")'
    expect_rc 0 rt create --bundle "$TEST_TMP/a" --pid-file "$TEST_TMP/pid" "$ID-a"
    # The executor has gone; what has its name is the first process alone, and its parent is nobody's that we made.
    local pid
    pid=$(<"$TEST_TMP/pid")
    assert_no_match "$(cat "/proc/$(awk '/^PPid/ {print $2}' "/proc/$pid/status")/comm")" '^berth-'
    expect_rc 0 rt delete --force "$ID-a"
    retry_until "$SETTLE_TIMEOUT" test ! -d "/proc/$pid/root/bin"
    [[ ! -e $TEST_TMP/root/$ID-a ]] || fail "its record is left"
}

test_run_gives_the_exit_code() {
    prepare
    expect_rc 7 run_bundle a 'sh("exit 7")'
    # The same of a signal, which can only come from outside.
    bundle a 'sh("exec sleep 600")'
    rt run --bundle "$TEST_TMP/a" "$ID-b" &
    retry_until "$SETTLE_TIMEOUT" status_is "$ID-b" running
    expect_rc 0 rt kill "$ID-b" KILL
    expect_rc 137 wait $!
    [[ -z $(ls "$TEST_TMP/root") ]] || fail "run leaves a record"
}

test_process() {
    prepare
    expect_rc 0 run_bundle a 'sh("id -u; id -g; id -G; pwd; umask; echo $A; hostname; cat /proc/self/oom_score_adj; ulimit -n; grep -E \"NoNewPrivs|CapBnd|CapEff|CapPrm|CapInh|CapAmb\" /proc/self/status")
p["user"] = {"uid": 7, "gid": 8, "additionalGids": [9, 10], "umask": 0o027}
p["cwd"] = "/etc"; p["env"] = ["A=b c", "PATH=/bin"]; c["hostname"] = "tiger"; p["oomScoreAdj"] = 100
p["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]
p["capabilities"] = {"bounding": ["CAP_CHOWN", "CAP_KILL"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}'
    assert_eq "$(tr '\t' ' ' <<<"$OUT")" '7
8
8 9 10
/etc
0027
b c
tiger
100
100
CapInh: 0000000000000020
CapPrm: 0000000000000020
CapEff: 0000000000000020
CapBnd: 0000000000000021
CapAmb: 0000000000000020
NoNewPrivs: 1'
}

test_mounts_and_paths() {
    prepare
    bundle a ''
    mkdir -p "$TEST_TMP/a/data/sub" "$TEST_TMP/elsewhere"
    echo here >"$TEST_TMP/a/data/file"
    expect_rc 0 run_bundle a 'c["mounts"] += [{"destination": "/data", "source": "data", "options": ["rbind", "ro"]},
  {"destination": "/scratch", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=1m", "mode=711"]}]
l["maskedPaths"] = ["/proc/kcore", "/data/sub"]; l["readonlyPaths"] = ["/scratch"]
sh("cat /data/file; touch /data/x 2>/dev/null || echo read-only; touch /scratch/x 2>/dev/null || echo read-only; stat -c %a /scratch; touch /x 2>/dev/null || echo read-only; cat /proc/kcore; grep -c nosuid.*size=1024k /proc/mounts")'
    assert_eq "$OUT" $'here\nread-only\nread-only\n711\nread-only\n2'
    # A link of the image leads a target nowhere outside: what it says is looked for inside.
    mkdir -p "$TEST_TMP/a/rootfs$TEST_TMP/elsewhere"
    ln -sfn ../../../../../../../../"$TEST_TMP/elsewhere" "$TEST_TMP/a/rootfs/trap"
    expect_rc 0 run_bundle a 'c["root"]["readonly"] = False; sh("ls -d /trap"); c["mounts"] += [{"destination": "/trap/x", "type": "tmpfs", "source": "tmpfs"}]'
    [[ -d $TEST_TMP/a/rootfs$TEST_TMP/elsewhere/x && ! -e $TEST_TMP/elsewhere/x ]] || fail "a mount point was made outside of the root"
}

test_proc_is_not_led_elsewhere() {
    own_only
    prepare
    bundle a ''
    rm -rf --one-file-system "$TEST_TMP/a/rootfs/proc"
    ln -s etc "$TEST_TMP/a/rootfs/proc"
    expect_rc 1 run_bundle a 'sh("true")'
    assert_match "$ERR" "'/proc' of the root file system must be mounted on ordinary directory"
    [[ -z $(ls "$TEST_TMP/root") ]] || fail "a failure leaves a record"
}

test_devices() {
    prepare
    expect_rc 0 run_bundle a 'l["devices"] = [{"path": "/dev/probe", "type": "c", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 3, "gid": 4},
 {"path": "/dev/pipe", "type": "p"}]
sh("for i in null zero full random urandom tty probe; do test -c /dev/$i || echo no $i; done; test -p /dev/pipe || echo no pipe; stat -c \"%a %u %g %t %T\" /dev/probe; readlink /dev/fd; head -c 1 /dev/zero | wc -c")'
    assert_eq "$OUT" $'640 3 4 1 5\n/proc/self/fd\n1'
    # What no rule allows cannot be used, whoever made the node; and what is allowed, only as far as it is.
    expect_rc 0 run_bundle a 'l["devices"] = [{"path": "/dev/loop-control", "type": "c", "major": 10, "minor": 237}]
sh("(exec 3</dev/loop-control) 2>/dev/null && echo opened || echo refused")'
    assert_eq "$OUT" refused
    expect_rc 0 run_bundle a 'l["devices"] = [{"path": "/dev/loop-control", "type": "c", "major": 10, "minor": 237}]
r["devices"] = [{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 10, "minor": 237, "access": "r"}]
sh("(exec 3</dev/loop-control) && echo opened; (exec 4>/dev/loop-control) 2>/dev/null || echo refused")'
    assert_eq "$OUT" $'opened\nrefused'
}

test_namespaces() {
    prepare
    local own
    own=$(readlink /proc/self/ns/uts)
    expect_rc 0 run_bundle a 'l["namespaces"] = [n for n in l["namespaces"] if n["type"] != "uts"]; del c["hostname"]; sh("readlink /proc/self/ns/uts")'
    assert_eq "$OUT" "$own"
    expect_rc 0 run_bundle a 'sh("readlink /proc/self/ns/uts; echo $$")'
    assert_ne "$(head -n 1 <<<"$OUT")" "$own"
    assert_eq "$(tail -n 1 <<<"$OUT")" 1
    # One of others, by path.
    bundle other 'sh("exec sleep 600")'
    rt create --bundle "$TEST_TMP/other" --pid-file "$TEST_TMP/pid" "$ID-other"
    expect_rc 0 run_bundle a 'l["namespaces"] = [n for n in l["namespaces"] if n["type"] != "network"] + [{"type": "network", "path": "/proc/'"$(<"$TEST_TMP/pid")"'/ns/net"}]; sh("readlink /proc/self/ns/net")'
    assert_eq "$OUT" "$(readlink "/proc/$(<"$TEST_TMP/pid")/ns/net")"
}

test_seccomp() {
    prepare
    expect_rc 0 run_bundle a 'l["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [{"names": ["chmod", "fchmod", "fchmodat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}
sh("grep Seccomp: /proc/self/status | tr -d \"\\t\"; chmod 700 /dev/shm 2>/dev/null || echo refused")'
    assert_eq "$OUT" $'Seccomp:2\nrefused'
}

test_pause() {
    prepare
    bundle a 'sh("exec sleep 600")'
    expect_rc 0 rt run --detach --bundle "$TEST_TMP/a" "$ID-a"
    expect_rc 0 rt pause "$ID-a"
    status_is "$ID-a" paused || fail "not paused"
    expect_rc 0 rt resume "$ID-a"
    status_is "$ID-a" running || fail "not running"
    rt pause "$ID-a"
    expect_rc 0 rt delete --force "$ID-a"
}

test_terminal() {
    prepare
    bundle a 'p["terminal"] = True; p["consoleSize"] = {"height": 33, "width": 77}; sh("stty size; tty; test -c /dev/console && echo console")'
    python3 - "$TEST_TMP/socket" >"$TEST_TMP/seen" 2>&1 <<'PYTHON' &
import array, os, socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1)
c = s.accept()[0]
message, ancillary, _, _ = c.recvmsg(64, socket.CMSG_SPACE(4))
fd = array.array("i", ancillary[0][2])[0]
text = b""
while text.count(b"\n") < 3:
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    if not data:
        break
    text += data
print(text.decode().replace("\r", ""), end="")
PYTHON
    retry_until "$SETTLE_TIMEOUT" test -S "$TEST_TMP/socket"
    expect_rc 0 rt create --bundle "$TEST_TMP/a" --console-socket "$TEST_TMP/socket" "$ID-a"
    expect_rc 0 rt start "$ID-a"
    wait $!
    assert_eq "$(<"$TEST_TMP/seen")" $'33 77\n/dev/pts/0\nconsole'
    rt delete --force "$ID-a"
    # And without somebody who takes it, it is an error.
    expect_rc 1 rt create --bundle "$TEST_TMP/a" "$ID-a"
}

test_errors_are_told_as_engines_read_them() {
    prepare
    bundle a 'p["args"] = ["/etc/passwd"]'
    rt create --bundle "$TEST_TMP/a" "$ID-a"
    expect_rc 1 rt --log "$TEST_TMP/log" --log-format json start "$ID-a"
    assert_match "$(<"$TEST_TMP/log")" '"msg":.*permission denied'
    retry_until "$SETTLE_TIMEOUT" status_is "$ID-a" stopped
    expect_rc 0 rt delete "$ID-a"
    # What is missing is told at once.
    bundle a 'p["args"] = ["nowhere"]'
    expect_rc 1 rt --log "$TEST_TMP/log" --log-format json create --bundle "$TEST_TMP/a" "$ID-a"
    python3 - "$TEST_TMP/log" <<'PYTHON' || fail "the log is not as expected: $(<"$TEST_TMP/log")"
import json, sys
line = json.loads(open(sys.argv[1]).read().splitlines()[-1])
assert line["level"] == "error" and "no such file or directory" in line["msg"] and line["time"], line
PYTHON
    [[ -z $(ls "$TEST_TMP/root") ]] || fail "a failure leaves a record"
    expect_rc 1 rt create --bundle "$TEST_TMP/none" "$ID-b"
    expect_rc 1 rt create --bundle "$TEST_TMP/a" ../b
    expect_rc 1 rt state "$ID-none"
}

test_what_cannot_be_honoured() {
    own_only
    prepare
    expect_rc 1 run_bundle a 'c["hooks"] = {"poststart": [{"path": "/bin/true"}]}'
    assert_match "$ERR" 'config.json#/hooks/poststart: is not supported'
    expect_rc 1 run_bundle a 'c["mounts"].append({"destination": "/x", "type": "tmpfs", "source": "x", "options": ["tmpcopyup"]})'
    assert_match "$ERR" "config.json#/mounts/7: the mount option 'tmpcopyup' is not supported"
    expect_rc 0 run_bundle a 'c["newer"] = 1; sh("true")'
    assert_match "$ERR" 'config.json#/newer: is not known and ignored'
    [[ -z $(ls "$TEST_TMP/root") ]] || fail "an error leaves a record"
}

test_features() {
    own_only
    expect_rc 0 rt features
    python3 -c 'import json,sys; f = json.loads(sys.argv[1]); assert "rbind" in f["mountOptions"] and "idmap" not in f["mountOptions"] and not f["linux"]["cgroup"]["systemd"]' "$OUT" ||
        fail "features are not as expected"
}

run_tests
