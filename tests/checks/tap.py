# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the checks share: the tree's files, C without its comments and strings, TAP on stdout."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
_results = []


def files(*patterns):
    """The project's own files (what git knows or would take), as paths relative to ROOT."""
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
                             capture_output=True)
    if listing.returncode == 0:
        names = sorted({name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()})
    else:  # an unpacked archive
        names = sorted({str(path.relative_to(ROOT)) for pattern in patterns or ["*"]
                        for path in ROOT.rglob(pathlib.PurePath(pattern).name) if path.is_file() and
                        pathlib.PurePath(path.relative_to(ROOT)).match(pattern)})
    return names


def read(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def code(text):
    """C with comments blanked and string and character literals emptied; lines stay where they are."""
    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        return token[0] + token[-1]

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def result(name, problems):
    """One test: no problems is a pass."""
    _results.append(not problems)
    for problem in problems:
        print(f"# {problem}")
    print(f"{'ok' if not problems else 'not ok'} {len(_results)} - {name}", flush=True)


def skip(name, why):
    _results.append(True)
    print(f"ok {len(_results)} - {name} # SKIP {why}", flush=True)


def finish():
    print(f"1..{len(_results)}")
    sys.exit(0 if _results and all(_results) else 1)
