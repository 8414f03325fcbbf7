#!/bin/bash
# hosts: host vm
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
    } >"$TEST_TMP/simulate"
    chmod +x "$TEST_TMP/simulate"
    on_exit end_simulation
}

end_simulation() {
    local leader
    for leader in "$TEST_TMP"/leaders/*; do
        [[ ! -e $leader ]] || kill -KILL "${leader##*/}" 2>/dev/null || true
    done
    rm -f "$BERTH_RUN/machines/sim-000" "$BERTH_RUN/locks/sim-000"
}

# Users whom polkit's rules grant one tier and those below.
grant() {
    local tier number=4800 rules=/etc/polkit-1/rules.d/10-berth-test.rules
    [[ $BERTH_HOST == vm ]] || return 0
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

run_tests
