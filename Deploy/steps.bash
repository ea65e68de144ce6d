# SPDX-License-Identifier: Apache-2.0
# What quickstart and test share; sourced, not run.

say() { printf '==> %s\n' "$*"; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# The process that runs in the background on behalf of a step, if any; the traps of the scripts end it.
step_process=

# quietly LOG WORDS COMMAND...: runs a long command with its output in LOG, shows its last line while it runs (on a
# terminal), says how long it took, and prints the whole log when it fails.
quietly() {
    local log=$1 words=$2 begin=$SECONDS status=0
    shift 2
    say "$words (output in $log)"
    "$@" >"$log" 2>&1 </dev/null &
    step_process=$!
    while [[ -t 1 ]] && kill -0 "$step_process" 2>/dev/null; do
        printf '\r\033[K    %.100s' "$(tail -n 1 "$log" | tr -d '\r')"
        sleep 1
    done
    wait "$step_process" || status=$?
    step_process=
    [[ -t 1 ]] && printf '\r\033[K'
    if [[ $status != 0 ]]; then
        cat "$log" >&2
        fail "$words: failed with exit code $status, see above"
    fi
    say "done in $((SECONDS - begin)) s"
}
