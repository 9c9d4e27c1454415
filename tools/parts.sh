# Parts of a test run, side by side; read by tools/check.sh and tools/test.sh with ".".
#
# A part NAME is a function part_NAME that ends in a command called with exec. Its exit code counts once it is judged.
PY=.venv/bin/python
MAY_BE_REPEATED=3
export HBX_REQUIRE_COMPILED=1
export HBX_HYPOTHESIS_PROFILE="${HBX_HYPOTHESIS_PROFILE:-steady}"
# Some machines forbid bytecode; here hundreds of short processes import the same modules.
export PYTHONDONTWRITEBYTECODE=

parts_log=$(mktemp -d)
parts_running=""
parts_failed=""
parts_repeated=""
trap 'kill $parts_running 2>/dev/null; rm -rf "$parts_log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# pytest_part NAME NICENESS ARGUMENTS...: pytest, which writes down for the part what failed. Beside other parts a test
# takes several times its own time; the limit is for what hangs.
pytest_part() {
    export HBX_FAILED_TESTS="$parts_log/$1.failed"
    pytest_nice=$2
    shift 2
    exec nice -n "$pytest_nice" "$PY" -m pytest -q --timeout 480 -p tools.failed_tests "$@"
}

# but PATH...: pytest's options that leave these out.
but() { for path in "$@"; do printf -- '--ignore=%s ' "$path"; done; }

# start NAME: run a part in the background; its output is kept until it is shown.
start() {
    "part_$1" >"$parts_log/$1.out" 2>&1 &
    eval "pid_$1=$!"
    parts_running="$parts_running $!"
}

# run NAME: run a part in the foreground, its output as it comes.
run() {
    ("part_$1")
    eval "code_$1=$?"
}

# show NAME: wait for a part and print what it said.
show() {
    eval "wait \$pid_$1; code_$1=\$?"
    echo "== $1 =="
    cat "$parts_log/$1.out"
}

# judge NAME strict|may-be-repeated: note whether the part counts as passed; when allowed, after its few failed tests ran
# once more with nothing beside them. pytest's exit code 1 says that tests failed; any other is no test's doing.
judge() {
    eval "code=\$code_$1"
    if [ "$code" -eq 0 ]; then return; fi
    part=$1 failed="$parts_log/$1.failed" count=0
    if [ "$2" = may-be-repeated ] && [ "$code" -eq 1 ] && [ -f "$failed" ]; then
        cp "$failed" "$parts_log/again"
        set --
        while IFS= read -r node; do set -- "$@" "$node"; done <"$parts_log/again"
        count=$#
    fi
    if [ "$count" -ge 1 ] && [ "$count" -le "$MAY_BE_REPEATED" ]; then
        echo "== $part: $count failed beside others, once more alone =="
        if (pytest_part alone 0 "$@"); then
            parts_repeated="$parts_repeated$(cat "$parts_log/again")
"
            return
        fi
    fi
    parts_failed="$parts_failed $part($code)"
}

# end: leave with the right exit code, and say loudly what passed only at the second try.
end() {
    parts_running=""
    if [ -n "$parts_repeated" ]; then
        echo "!!!! failed beside others, passed alone; the first failure's output stands above:"
        printf '%s' "$parts_repeated" | sed 's/^/!!!! /'
    fi
    if [ -n "$parts_failed" ]; then
        echo "failed (exit code):$parts_failed"
        exit 1
    fi
    exit 0
}
