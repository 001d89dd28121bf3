"""A class in which most are attackers: each is contained and graded for what it is, and nobody else notices.

One class is graded once, all of them together, and each test looks at what came of it. What single programs see of a
sandbox is tested in tests/stage/test_sandbox.py, what builds may do in tests/stage/test_build.py.
"""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import re
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.edge.command import Command, Done

needs_bubblewrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
HONEST = Path(__file__).parents[1] / "variants" / "locked-threads" / "client.py"
LAB = """
lab: tiny
title: {en: A tiny lab, zh: 小实验}
hours: 1
hands_in: [client]
objectives:
  - {en: To be quick, zh: 快}
shown: [tiny/talk]
hidden: [tiny/secret]
rubric:
  - points: 60
    title: {en: A typed line arrives, zh: 输入一行，送达一行}
    of: [{scenario: tiny/talk, check: messages}]
  - points: 40
    title: {en: It says so and ends, zh: 说明原因并退出}
    of: [{scenario: tiny/secret, check: exits}]
"""
TALK = """
scenario: tiny/talk
title: {en: One typed line arrives, zh: 输入一行，送达一行}
tests: client
cast: {server: {role: server}, alice: {role: client}}
script:
  - {start: server, until: Listening on}
  - {start: alice, until: Connected to, within: 2}
  - {alice: type, text: hello}
  - {server: shows, text: "): hello", within: 2}
  - {alice: type, text: /quit}
  - {alice: exits, status: 0, within: 2}
expect:
  - {messages: alice, sent: [hello]}
"""
SECRET = """
scenario: tiny/secret
title: {en: The secret title, zh: 秘密标题}
tests: client
cast: {server: {role: server}, alice: {role: client}}
script:
  - {start: server, until: Listening on}
  - {start: alice, until: Connected to, within: 2}
  - {alice: type, text: xyzzy-the-secret-input}
  - {alice: type, text: /quit}
  - {alice: exits, status: 0, within: 2}
"""
HIDDEN_WORDS = ("tiny/secret", "The secret title", "xyzzy-the-secret-input")

# A bomb as bombs are, but for its end: root's processes have no bound in the kernel, and other tests run beside these.
BOMB = "for _ in range(11):\n try: os.fork()\n except OSError: pass\ntime.sleep(600)\n"
CONNECT = """
import os, signal, socket, sys, time
server = socket.create_connection(("127.0.0.1", 12001))
print("Connected to 127.0.0.1:12001", flush=True)
"""
FORGED = (
    "\\x1b]0;title\\x07\\x1b[2J\\x1b[31mPASS\\x1b[0m [1/1] honest: 0 of 100\\r\\n"
    "<script>alert(1)</script><img src=x onerror=alert(2)> ](javascript:alert(3)) | `` ` ```\\n"
    '=HYPERLINK("http://evil","x")\\t+cmd|calc\\t@SUM(1)\\u202e\\n{\\"verdict\\": \\"pass\\"}\\n'
    "tiny/talk: pass\\n100 of 100\\n"
)
PROGRAMS = {
    "forkbomb": "import os, time\n" + BOMB,
    "late-forkbomb": CONNECT + "sys.stdin.readline()\n" + BOMB,
    "memory": CONNECT + "kept = []\nfor _ in range(7): os.fork()\n"
    "while True: kept.append(bytearray(b'x') * (32 << 20))\n",
    "disk": CONNECT + "for place in ('/home/student', '/tmp', '/dev/shm', '/run/notes', '/'):\n"
    " for n in range(300):\n  try: open(f'{place}/fill{n}', 'wb').write(bytes(1 << 20))\n"
    "  except OSError: break\n",
    "flood": CONNECT + "while True: os.write(1, b'y\\n' * 30000)\n",
    "killall": CONNECT + "for pid in range(2 ** 16):\n try: pid != os.getpid() and os.kill(pid, 9)\n"
    " except OSError: pass\ntry: os.kill(-1, 9)\nexcept OSError: pass\nos.kill(0, 9)\n",
    "escape": CONNECT + "if os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n"
    "  for n in range(1, 65):\n   try: signal.signal(n, signal.SIG_IGN)\n   except (OSError, ValueError): pass\n"
    "  for n in range(3): os.close(n)\n  while True: time.sleep(1)\n os._exit(0)\nos._exit(0)\n",
    "squatter": "import socket, time\nkept = []\nfor port in (*range(12000, 12010), 0):\n"
    " for host in ('0.0.0.0', '127.0.0.1'):\n  try: kept.append(socket.create_server((host, port)))\n"
    "  except OSError: pass\ntime.sleep(600)\n",
    "immortal": CONNECT + "for n in range(1, 65):\n try: signal.signal(n, signal.SIG_IGN)\n"
    " except (OSError, ValueError): pass\nwhile True: time.sleep(600)\n",
    "forger": CONNECT + f"print('''{FORGED}''', flush=True)\nprint(open('{{out}}/gradebook.csv').read())\n",
    "silent": "import time\ntime.sleep(600)\n",
    "overwriter": CONNECT
    + "import glob\nfor path in ('{out}', '{submissions}', '/submission', '/run', '/run/notes', '/run/injected', '/'):\n"
    " for name in ('gradebook.csv', 'results.json', 'honest/client.py', 'client.py', 'sitecustomize.py', '0', '../x'):\n"
    "  try: open(f'{path}/{name}', 'w').write('100 of 100'); print('WROTE', path, name)\n  except OSError: pass\n",
    "reader": CONNECT
    + "for path in ('{submissions}/honest/client.py', '{lab}/lab.yaml', '{lab}/scenarios/tiny/secret.yaml',"
    " '{out}/class.json', '{harness}/wirelab/__init__.py', '/proc/1/environ', '/etc/shadow'):\n"
    " try: print('READ' if open(path).read() else '', path)\n except OSError: pass\nprint(dict(os.environ))\n"
    "try:\n import wirelab\n print('READ wirelab')\nexcept ImportError: pass\n",
    "spinner": CONNECT + "import threading\nfor _ in range(3): os.fork()\nwhile True: pass\n",
}
COMMANDS = {
    "shell": "client = \"/bin/sh -c 'cat {submissions}/honest/client.py {lab}/lab.yaml; kill -9 -1; sleep 600'\"\n",
    "absolute": 'client = "{submissions}/honest/client.py"\n',
    "parent": 'client = "python3 ../honest/client.py"\n',
}
MAKEFILES = {
    "make-daemon": "all:\n\t(setsid sh -c 'trap \"\" TERM HUP; sleep 600' >/dev/null 2>&1 &)\n\tfalse\n",
    "make-disk": "all:\n\tfor n in $$(seq 900); do head -c 1000000 /dev/zero >f$$n || exit 1; done\n",
    "make-output": "all:\n\tyes '<script>alert(4)</script>' | head -c 100000000; exit 1\n",
    "make-reads": "all:\n\tcat {lab}/lab.yaml {submissions}/honest/client.py {out}/class.json\n\tfalse\n",
    "make-links": "all:\n\trm -rf client; ln -s / root; ln -s {submissions}/honest/client.py client\n",
    "make-bomb": "all:\n\tf() {{ f | f & }}; f; sleep 600\n",
}
TRIES = 3  # of which each plays what is undecided, and each of that three times
HONEST_ONES = ("honest", "zhonest")  # one of the first, one of the last
MARK = "only-the-honest-know-this"
NAMED = "=cmd|calc!A1 <b onmouseover=alert(5)>"
PROBLEMS = (
    *(name for name in COMMANDS if name != "shell"),
    *MAKEFILES,
    "traversal",
    "links",
    "bomb",
    "device",
    "symlinked",
)


@dataclass(frozen=True)
class Graded:
    """What came of grading the class."""

    done: Done
    out: Path
    submissions: Path
    before: dict[str, str]
    results: dict[str, Any]
    excuses: list[str]

    def of(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in self.results["students"] if one["key"] == key)
        return found

    def codes(self, key: str) -> set[str]:
        checks = [check for run in self.of(key)["runs"] for check in run["checks"]]
        return {finding["code"] for check in checks for finding in check["findings"]}

    def files(self) -> Iterator[tuple[Path, str]]:
        """What was written for people and other systems."""
        for path in sorted(self.out.rglob("*")):
            if path.is_file() and "runs" not in path.relative_to(self.out).parts:
                yield path, path.read_text(encoding="utf-8")


def tiny_lab(folder: Path) -> Path:
    lab = folder / "tiny"
    (lab / "scenarios" / "tiny").mkdir(parents=True)
    for name, text in (("lab", LAB), ("scenarios/tiny/talk", TALK), ("scenarios/tiny/secret", SECRET)):
        (lab / f"{name}.yaml").write_text(text.lstrip(), encoding="utf-8")
    return lab


def handed_in(folder: Path, name: str, **files: str) -> None:
    (folder / name).mkdir(parents=True)
    for file, text in files.items():
        (folder / name / file.replace("_", ".")).write_text(text, encoding="utf-8")


def archives(folder: Path) -> None:
    """Archives that lead out, link out, swell, or hold a device."""
    honest = HONEST.read_bytes()
    with zipfile.ZipFile(folder / "traversal.zip", "w") as packed:
        packed.writestr("../../out/gradebook.csv", "100 of 100")
        packed.writestr("client.py", honest)
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for number in range(10):
            packed.writestr(f"zeros{number}", bytes(8 << 20))
        packed.writestr("client.py", honest)
    for name, kind in (("links", tarfile.SYMTYPE), ("device", tarfile.CHRTYPE)):
        with tarfile.open(folder / f"{name}.tar.gz", "w:gz") as tar:
            member = tarfile.TarInfo("client.py" if name == "links" else "null")
            member.type, member.linkname = kind, "../honest/client.py"
            tar.addfile(member)
            plain = tarfile.TarInfo("readme.txt")
            tar.addfile(plain, io.BytesIO())


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """Graded once, also where pytest-xdist has several workers, which share the folder above their own."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "class-of-attackers"
    folder.mkdir(mode=0o755, exist_ok=True)
    with (folder.with_suffix(".lock")).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = folder.with_suffix(".json")
        if not kept.exists():
            kept.write_text(json.dumps(grade(folder)))
        done, before, excuses = json.loads(kept.read_text())
    out = folder / "out"
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return Graded(Done(**done), out, folder / "submissions", before, results, excuses)


def digests(folder: Path) -> dict[str, str]:
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def grade(folder: Path) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Grade the class, and again what stayed undecided, as an instructor would: how the command ended, what was handed in
    before, and why something was undecided."""
    lab, submissions, out = tiny_lab(folder), folder / "submissions", folder / "out"
    command = Command(folder)
    places = {"submissions": submissions, "lab": lab, "out": out, "harness": Path(__file__).parents[2] / "harness"}

    def placed(text: str) -> str:
        for name, path in places.items():
            text = text.replace(f"{{{name}}}", str(path))
        return text.replace("{{", "{").replace("}}", "}")

    for name in HONEST_ONES:
        handed_in(submissions, name, client_py=HONEST.read_text(encoding="utf-8") + f"# {MARK}\n")
    for name, text in PROGRAMS.items():
        handed_in(submissions, name, client_py=placed(text))
    handed_in(submissions, NAMED, client_py=PROGRAMS["silent"])
    for name, text in COMMANDS.items():
        handed_in(submissions, name, wirelab_toml=placed(text))
    for name, text in MAKEFILES.items():
        handed_in(submissions, name, Makefile=placed(text))
    handed_in(submissions, "symlinked", readme_txt="")
    (submissions / "symlinked" / "client.py").symlink_to(submissions / "honest" / "client.py")
    archives(submissions)
    before = digests(submissions)
    excuses: list[str] = []
    for _ in range(TRIES):
        done = command("grade", lab, submissions, "-o", out, "--jobs", "8", patience=300)
        command.gone()
        assert done.status in (0, 2), done.err + done.out
        if done.status == 0:
            break
        excuses += undecided(json.loads((out / "results.json").read_text(encoding="utf-8")))
    return asdict(done), before, excuses


def undecided(results: dict[str, Any]) -> list[str]:
    """Why something is undecided: the codes of the findings, or that it could not be played."""
    runs = [run for student in results["students"] for run in student["runs"] if run["verdict"] == "inconclusive"]
    checks = [check for run in runs for check in run["checks"] if check["verdict"] == "inconclusive"]
    return [finding["code"] for check in checks for finding in check["findings"]] or ["not played"]


@needs_bubblewrap
@pytest.mark.parametrize("name", HONEST_ONES)
def test_the_honest_have_full_marks(graded: Graded, name: str):
    assert (100, 0) == (graded.of(name)["mark"], graded.of(name)["undecided"])
    assert ["pass", "pass"] == [run["verdict"] for run in graded.of(name)["runs"]]


@needs_bubblewrap
def test_every_attacker_is_graded(graded: Graded):
    assert "" == graded.done.err
    left = {one["key"]: one["mark"] for one in graded.results["students"] if one["mark"] is None or one["undecided"]}
    assert {} == left
    assert set(graded.excuses) <= {"WL903"}, "nothing but other tests' taking the CPUs excuses"
    assert 0 == graded.done.status
    handed = len(list(graded.submissions.iterdir()))
    assert handed == len(graded.results["students"])


@needs_bubblewrap
@pytest.mark.parametrize("name", PROBLEMS)
def test_what_cannot_be_played_gets_zero_with_a_reason(graded: Graded, name: str):
    one = graded.of(name)
    assert 0 == one["mark"]
    assert one["problem"] is not None
    assert all(one["problem"][language] for language in ("en", "zh"))


@needs_bubblewrap
@pytest.mark.parametrize(
    ("name", "code"),
    {
        "forkbomb": "WL613",
        "late-forkbomb": "WL613",
        "memory": "WL613",
        "flood": "WL607",
        "killall": "WL603",
        "immortal": "WL601",
        "spinner": "WL601",
        "silent": "WL104",
        "squatter": "WL104",
        "shell": "WL104",
        "escape": "WL608",
    }.items(),
)
def test_each_is_graded_for_what_it_is(graded: Graded, name: str, code: str):
    assert code in graded.codes(name)
    assert graded.of(name)["mark"] < 100


@needs_bubblewrap
def test_nobody_read_or_wrote_what_is_not_theirs(graded: Graded):
    runs = graded.out / "students"
    for name in ("reader", "overwriter", "shell", "make-reads", "disk"):
        shown = "".join(path.read_text(encoding="utf-8") for path in (runs / name).rglob("*.cast"))
        if "make" not in name:
            assert "Connected to" in shown or name == "shell", name
        shown += (runs / name / "submission.json").read_text(encoding="utf-8")
        assert not [words for words in ("READ", MARK, "WLTEST_MARK", "A tiny lab") if words in shown], name
        assert not re.search(r"WROTE (?!/run/notes (?:gradebook|results|client|sitecustomize|0))", shown), name
    assert graded.before == digests(graded.submissions)


@needs_bubblewrap
def test_out_has_what_grading_writes_and_no_more(graded: Graded):
    assert sorted(path.name for path in graded.out.iterdir()) == sorted(
        "class.json gradebook.csv index.html junit.xml moodle.csv results.json students summary.md".split()
    )
    known = {"feedback.html", "feedback.md", "gradescope.json", "prairielearn.json", "submission.json", "runs"}
    found = {path.name for student in (graded.out / "students").iterdir() for path in student.iterdir()}
    assert known == found
    assert {path.name for path in graded.out.parent.iterdir()} == {"out", "submissions", "tiny"}


@needs_bubblewrap
def test_what_they_print_is_obeyed_nowhere(graded: Graded):
    """Terminal escapes, HTML and formulas of spreadsheets; and no line of theirs is taken for one of grading's."""
    controls = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
    for path, text in graded.files():
        assert not controls.search(text.replace("\r\n", "\n")), path
        if path.suffix == ".html":
            seen = Seen()
            seen.feed(text)
            assert not seen.forged, path
        if path.suffix == ".csv":
            cells = [cell for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"))) for cell in row]
            assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))], path
    assert not controls.search(graded.done.out)
    said = re.findall(r"^\[\d+/\d+\] z?honest: (.*)$", graded.done.out, re.MULTILINE)
    assert ["100 of 100"] * len(HONEST_ONES) == said


class Seen(HTMLParser):
    """A page as a browser reads it: what in it came from an attacker, and is not text."""

    def __init__(self) -> None:
        super().__init__()
        self.forged: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._script = tag in ("script", "style")
        for name, value in attrs:
            if name.startswith("on") or "javascript:" in (value or "") or "evil" in (value or ""):
                self.forged.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script and "alert(" in data:
            self.forged.append(data)


@needs_bubblewrap
def test_hidden_scenarios_stay_hidden(graded: Graded):
    """Of what a student is given: feedback, and the files for hosted graders."""
    given = [
        (path, text) for path, text in graded.files() if "students" in path.parts and path.name != "submission.json"
    ]
    assert len(given) > 100
    assert not [(path, words) for path, text in given for words in HIDDEN_WORDS if words in text]


@pytest.fixture
def without_bubblewrap(tmp_path: Path) -> dict[str, str]:
    """An environment on whose path everything is but bubblewrap."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for folder in reversed(os.environ["PATH"].split(os.pathsep)):
        for path in Path(folder).iterdir() if os.access(folder, os.R_OK | os.X_OK) else ():
            if path.name != "bwrap":
                (tools / path.name).unlink(missing_ok=True)
                (tools / path.name).symlink_to(path)
    return {"PATH": str(tools)}


def test_without_bubblewrap_it_refuses_with_the_remedy(command: Command, without_bubblewrap: dict[str, str]):
    lab = tiny_lab(command.folder)
    handed_in(command.folder / "submissions", "honest", client_py=HONEST.read_text(encoding="utf-8"))
    for language, words in (("en", "sudo apt install bubblewrap"), ("zh", "没有安装 bubblewrap")):
        done = command("grade", "--lang", language, lab, "submissions", "-o", "out", env=without_bubblewrap)
        assert (69, "") == (done.status, done.out)
        assert words in done.err
        assert "--no-sandbox" in done.err
    assert not (command.folder / "out").exists()


def test_without_bubblewrap_it_grades_when_told_to(command: Command, without_bubblewrap: dict[str, str]):
    lab = tiny_lab(command.folder)
    handed_in(command.folder / "submissions", "honest", client_py=HONEST.read_text(encoding="utf-8"))
    done = command("grade", "--no-sandbox", lab, "submissions", "-o", "out", env=without_bubblewrap)
    assert (0, "") == (done.status, done.err)
    assert "WITHOUT a sandbox" in done.out
    assert "honest: 100 of 100" in done.out
