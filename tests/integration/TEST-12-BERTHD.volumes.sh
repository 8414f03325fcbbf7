#!/bin/bash
# hosts: host booted
# Named volumes on the bus: listed, told of, made and removed; who uses one keeps it.

# shellcheck source-path=SCRIPTDIR source=berthd.sh disable=SC1091
. "$(dirname "$0")/berthd.sh"

set_up() {
    prepare
    if [[ $BERTH_HOST == host ]]; then
        start_bus
        (umask 077 && mkdir -p "$BERTH_RUN" "$BERTH_DATA_DIR")
        start_daemon
    fi
    on_exit forget_volumes
}

forget_volumes() {
    local name
    for name in a b; do
        b volume --force rm "$ID-$name" >/dev/null 2>&1 || true
    done
}

property() { bus --path="$1" --interface=org.freedesktop.DBus.Properties Get ss org.berth1.Volume "$2"; }

test_volumes() {
    local path
    set_up
    expect_rc 1 bus GetVolume s "$ID-a"
    assert_match "$ERR" org.berth1.Error.NoSuchVolume
    path=$(bus CreateVolume s "$ID-a" | tr -d '"')
    assert_eq "$(bus GetVolume s "$ID-a" | tr -d '"')" "$path"
    # Once more does nothing.
    assert_eq "$(bus CreateVolume s "$ID-a" | tr -d '"')" "$path"
    expect_rc 1 bus CreateVolume s ../evil
    assert_match "$ERR" InvalidArgs
    b volume --quiet create "$ID-b"
    assert_match "$(bus ListVolumes)" "\"$ID-a\", false, [1-9][0-9]{15}, \"$path\".*\"$ID-b\", false"
    assert_eq "$(property "$path" Name)" "\"$ID-a\""
    assert_match "$(property "$path" Path)" "/volumes/$ID-a/data\"\$"
    # The path is for who could look there.
    assert_eq "$(bus --uid=65534 --path="$path" --interface=org.freedesktop.DBus.Properties Get ss org.berth1.Volume Path)" '""'
    start_in_background user -v "$ID-a:/data"
    assert_eq "$(property "$path" Used)" true
    assert_match "$(bus ListVolumes)" "\"$ID-a\", true"
    b terminate "$ID-user"
    assert_eq "$(property "$path" Used)" false
    b rm "$ID-user"
    if [[ $BERTH_HOST == host ]]; then
        # It takes a unit.
        expect_rc 1 bus RemoveVolume s "$ID-a"
        return
    fi
    bus --path="$path" --interface=org.berth1.Volume Remove
    expect_rc 1 property "$path" Name
    assert_match "$ERR" UnknownObject
    expect_rc 1 bus RemoveVolume s "$ID-a"
    assert_match "$ERR" NoSuchVolume
    # Who uses it keeps it.
    start_in_background user -v "$ID-b:/data"
    expect_rc 1 bus RemoveVolume s "$ID-b"
    assert_match "$ERR" 'in use'
    b terminate "$ID-user"
    # A definition mounts it.
    expect_rc 1 bus RemoveVolume s "$ID-b"
    assert_match "$ERR" 'definition'
    b rm "$ID-user"
    bus RemoveVolume s "$ID-b"
    assert_no_match "$(bus ListVolumes)" "$ID"
}

test_signals() {
    set_up
    python3 -B - "$HELPERS" "$BERTHCTL" "$ID-a" >"$TEST_TMP/signals" <<'PYTHON'
import subprocess, sys
sys.path.insert(0, sys.argv[1])
from busclient import Bus
berthctl, name = sys.argv[2:]
bus = Bus()
bus.listen("type='signal',interface='org.berth1.Manager'")
bus.manager("Subscribe")
for member, verb in (("VolumeNew", "create"), ("VolumeRemoved", "rm")):
    subprocess.run([berthctl, "volume", verb, name], check=True, stdout=subprocess.DEVNULL)
    message = bus.next_signal(lambda m: m.fields["member"] == member and m.body[0] == name)
    assert message.body[1].startswith("/org/berth1/volume/"), message.body
print("ok")
PYTHON
    assert_eq "$(tail -n 1 "$TEST_TMP/signals")" ok
}

run_tests
