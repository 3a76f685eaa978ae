"""Manifests made to hurt: each ends in an error that names the cause, or in the right result, within
64 MB of memory and (a bound for slow machines; see the figures) 5 seconds of processor time.

usage: hostile.py PROGRAM      prints "ok NAME (SECONDS, MEMORY)" or "not ok NAME: why"
"""

import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from itertools import chain

MEMORY_MAX = 64 << 10  # kB, as wait4 counts
CPU_MAX = 5
MB = 1 << 20
ONE = "services:\n  a:\n    image: x\n"

program = os.path.abspath(sys.argv[1])


def write(name, content):
    with open(name, "wb") as file:
        for piece in [content] if isinstance(content, (str, bytes)) else content:
            file.write(piece.encode() if isinstance(piece, str) else piece)


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_MAX, CPU_MAX))


def run(args, env, stdin):
    """Exit status, seconds, kilobytes, output, errors."""
    with open("out", "w+b") as out, open("err", "w+b") as err, open(stdin, "rb") as given:
        start = time.monotonic()
        child = subprocess.Popen([program, "-p", "p", *args, "config"], stdin=given, stdout=out,
                                 stderr=err, preexec_fn=limit, env={**os.environ, **env})
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - start
        out.seek(0)
        err.seek(0)
        return (child.returncode, seconds, usage.ru_maxrss, out.read().decode(errors="replace"),
                err.read().decode(errors="replace"))


def problem(status, memory, out, err, error, result):
    if memory > MEMORY_MAX:
        return f"{memory} kB of memory"
    if error is None:
        if status != 0:
            return f"status {status}: {err[:200]}"
        return None if result(out) else f"the result is wrong: {out[:200]}"
    if status != 3:
        return f"status {status}, not 3: {err[:200]}"
    return None if error in err else f'no "{error}" in: {err[:300]}'


def make_special(kind):
    if kind == "a FIFO":
        os.mkfifo("special")
    elif kind == "a folder":
        os.mkdir("special")
    elif kind == "a dangling link":
        os.symlink("nowhere", "special")
    elif kind == "a link to itself":
        os.symlink("special", "special")
    elif kind == "a socket":
        socket.socket(socket.AF_UNIX).bind("special")
    else:
        os.symlink("/dev/zero", "special")


def check(name, files, error=None, result=lambda out: "image: x" in out, args=None, env=None,
          stdin="/dev/null", special=None):
    """`files`: name to content.  `error`: a part of the message; None: `result` judges the output.
    `special`: what the path "special" is."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for file, content in files.items():
            write(file, content)
        if special:
            make_special(special)
        status, seconds, memory, out, err = run(args or ["-f", "compose.yaml"], env or {}, stdin)
        os.chdir("/")
    wrong = problem(status, memory, out, err, error, result)
    figures = f"{seconds:.2f} s, {memory / 1024:.0f} MB"
    print(f"not ok {name}: {wrong} ({figures})" if wrong else f"ok {name} ({figures})", flush=True)


def compose(text):
    return {"compose.yaml": text}


def bombs():
    too_large = "too large (aliases included)"
    lists = ["x-0: &a0 [lol]\n"]
    lists += [f"x-{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)]
    check("billion laughs", compose([*lists, ONE]), too_large)
    merges = ["x-0: &a0 {a: lol}\n"]
    merges += [f"x-{i}: &a{i}\n  <<: [{','.join([f'*a{i - 1}'] * 9)}]\n  k{i}: *a{i - 1}\n"
               for i in range(1, 60)]
    check("billion laughs in merges", compose([*merges, ONE]), too_large)
    check("50,000 anchors", compose([*(f"x-{i}: &a{i} {i}\n" for i in range(50000)), ONE]),
          result=lambda out: "x-49999: 49999" in out)
    used = ["x-a: [", *(f"&a{i} {i}, " for i in range(50000)), "]\nx-b: [",
            *(f"*a{i}, " for i in range(50000)), "]\n", ONE]
    check("50,000 anchors, each used", compose(used), result=lambda out: out.count("49999") == 2)


def depth():
    deep = "more than 64 levels deep"
    n = 10000
    check("10,000 lists in lists", compose(["x-a: ", "[" * n, "]" * n, "\n", ONE]), deep)
    check("10,000 lists, not closed", compose(["x-a: ", "[" * n]), deep)
    check("10,000 maps in maps", compose(["x-a: ", "{a: " * n, "}" * n, "\n", ONE]), deep)
    check("10,000 items in items", compose(["x-a:\n ", "- " * n, "a\n", ONE]), deep)
    check("4,000 indented maps", compose(["x-a:\n", *(" " * i + "a:\n" for i in range(1, 4000)), ONE]),
          deep)
    check("10,000 indented maps", compose(chain(
        ["x-a:\n"], (" " * i + "a:\n" for i in range(1, n)), [ONE])), "larger than")
    check("64 levels", compose(["x-a: ", "[" * 60, "]" * 60, "\n", ONE]))


def sizes():
    looks = (f"  s{i}: {{image: x}}\n" * 1000 for i in range(5000))
    check("100 MB that look right", compose(chain(["services:\n"], looks)), "larger than")
    check("100 MB of garbage", compose([os.urandom(MB)] * 100), "larger than")
    check("9 MB of garbage", compose([os.urandom(9 * MB)]), "not")
    check("endless standard input", {}, "standard input", args=["-f", "-"], stdin="/dev/zero")
    check("9 MB of [", compose(["[" * 9 * MB]), "levels deep")
    check("9 MB of ?", compose(["? " * (9 * MB // 2)]), "levels deep")
    check("9 MB of quotes", compose(["'" * 9 * MB]), "has to be a map, not a string")
    check("9 MB of one word", compose(["x-a: ", "w" * 9 * MB, "\n", ONE]),
          result=lambda out: len(out) > 9 * MB)
    check("9 MB of comments", compose(["# a\n" * (9 * MB // 4), ONE]))
    check("9 MB of one key", compose(["services:\n", "  a: {image: x}\n" * (9 * MB // 16)]),
          "is already given at line 2")
    check("100,000 services", compose(["services:\n", *(f"  s{i}: {{image: x}}\n"
                                                        for i in range(100000))]), "too large")
    check("60,000 unknown keys", compose([ONE, *(f"    k{i}: 1\n" for i in range(60000))]),
          "unknown key")
    value = "x" * MB
    check("a value of 1 MB", compose([ONE, f'    environment: {{A: "{value}"}}\n']),
          result=lambda out: value in out)
    all_ports = ONE + '    ports: ["1-65535:1-65535"]\n'
    check("all ports", compose(all_ports), result=lambda out: out.count("target:") == 65535)
    check("all ports, four times", compose(all_ports[:-2] + ', "1-65535:1-65535/udp", '
                                           '"127.0.0.1:1-65535:1-65535", "1-65535"]\n'),
          "too many ports")


def encodings():
    check("a NUL byte", compose(b"services:\n  a:\n    image: \"x\0y\"\n"), "3:14: error: a NUL byte")
    check("Latin-1", compose(b"services:\n  a:\n    image: \"x\xe9y\"\n"), "not UTF-8")
    check("a cut character", compose(b"services:\n  a:\n    image: x\xe2\x82"), "not UTF-8")
    check("a surrogate", compose(b"services:\n  a:\n    image: x\xed\xa0\x80\n"), "not UTF-8")
    for code in "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be":
        check(f"{code} with a mark", compose(("\ufeff" + ONE).encode(code)), "1:1: error: ")
    check("utf-8 with a mark", compose(("\ufeff" + ONE).encode()))
    check("Latin-1 in an env_file", {"compose.yaml": ONE + "    env_file: e\n", "e": b"A=\xe9\n"},
          "not a text file")


def loops():
    check("an include of itself", compose("include: [compose.yaml]\n" + ONE), "a cycle of includes")
    check("includes in a ring", {"compose.yaml": "include: [b.yaml]\n",
                                 "b.yaml": "include: [./compose.yaml]\n"}, "a cycle of includes")
    tree = {f"t{i}.yaml": f"include: [{', '.join(['leaf.yaml'] * 100)}]\n" for i in range(10)}
    check("1,000 includes", {"compose.yaml": f"include: [{', '.join(tree)}]\n", **tree,
                             "leaf.yaml": ONE}, "too many files")
    row = {f"c{i}.yaml": f"include: [c{i + 1}.yaml]\n" for i in range(400)}
    check("a chain of 400 includes", {"compose.yaml": "include: [c0.yaml]\n", **row,
                                      "c400.yaml": ONE})
    check("an extends of itself", compose("services:\n  a: {extends: a, image: x}\n"),
          "a cycle of extends")
    check("extends in a ring of files", {
        "compose.yaml": "services:\n  a: {extends: {file: b.yaml, service: a}}\n",
        "b.yaml": "services:\n  a: {extends: {file: compose.yaml, service: a}}\n"},
        "a cycle of extends")
    check("a chain of 5,000 extends", compose(["services:\n  s5000: {image: x}\n", *(
        f"  s{i}: {{extends: s{i + 1}}}\n" for i in range(5000))]), "a chain of more than")
    check("3,000 copies of a large service", compose([
        "services:\n  base:\n    image: x\n    environment:\n",
        *(f"      V{i}: a\n" for i in range(2000)),
        *(f"  s{i}: {{extends: base}}\n" for i in range(3000))]), "too large")


def variables():
    n = 10000
    check("10,000 nested defaults", compose(f"services:\n  a:\n    image: \"{'${A:-' * n}{'}' * n}\"\n"),
          "nested too deeply")
    check("10,000 open defaults", compose(f"services:\n  a:\n    image: \"{'${A:-' * n}\"\n"),
          "is not a variable")
    check("nested defaults in 1,000 values", compose([
        ONE, "    environment:\n", *(f"      V{i}: \"{'${A:-' * 30}x{'}' * 30}\"\n"
                                      for i in range(1000))]))
    check("a large variable, often", compose([ONE, "    environment:\n", *(
        f"      V{i}: \"{'${BIG}' * 10}\"\n" for i in range(1000))]), "too large",
        env={"BIG": "y" * 100000})
    bomb = ["A0=lollollol\n", *(f"A{i}={f'${{A{i - 1}}}' * 10}\n" for i in range(1, 30))]
    for name in ".env", "a.env":
        check(f"variables that grow in {name}", {
            "compose.yaml": ONE + ("" if name == ".env" else "    env_file: a.env\n"), name: bomb},
            "too long")
    check("a variable that doubles itself", {"compose.yaml": ONE, ".env":
                                             "A=x\n" + "A=${A}${A}\n" * 100}, "too long")
    check("100,000 variables", {"compose.yaml": ONE, ".env": [f"V{i}={i}\n" for i in range(100000)]})


def special_files():
    uses = {
        "env_file": ({"compose.yaml": ONE + "    env_file: special\n"}, None),
        "label_file": ({"compose.yaml": ONE + "    label_file: special\n"}, None),
        "include": ({"compose.yaml": "include: [special]\n" + ONE}, None),
        "extends": ({"compose.yaml": ONE + "    extends: {file: special, service: a}\n"}, None),
        "-f": ({}, ["-f", "special"]),
        "--env-file": ({"compose.yaml": ONE}, ["-f", "compose.yaml", "--env-file", "special"]),
    }
    kinds = {
        "a device": "not a regular file",
        "a FIFO": "not a regular file",
        "a folder": "is a directory",
        "a dangling link": "special",
        "a link to itself": "special",
        "a socket": "special",
    }
    for kind, error in kinds.items():
        for use, (files, args) in uses.items():
            check(f"{use} is {kind}", files, error, args=args, special=kind)
        check(f"a secret's file is {kind}", compose(
            ONE + "    secrets: [s]\nsecrets: {s: {file: special}}\n"), special=kind)


def main():
    for group in bombs, depth, sizes, encodings, loops, variables, special_files:
        group()


main()
