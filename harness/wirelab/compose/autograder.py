"""An autograder for Gradescope: a zip that installs wirelab in the image, and grades one submission with one lab.

Builds the archive only; what its two scripts do is tested by running them. The lab travels with all the scenarios that it
plays, so that what is graded there is what was read here, whatever version of the kit is installed.
"""

from __future__ import annotations

import io
import shlex
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from wirelab import __version__
from wirelab.base.errors import InputError
from wirelab.base.texts import Language, Text, register, say
from wirelab.compose import kit, library
from wirelab.compose.labs import LoadedLab

SETUP, RUN, LAB = "setup.sh", "run_autograder", "lab"
_SCRIPT, _FILE = 0o755, 0o644
_STAMP = (2020, 1, 1, 0, 0, 0)  # the same for the same content

register(
    {
        "autograder.not-a-wheel": Text(
            "{file} is no wheel of wirelab: a file wirelab-….whl that pip can install",
            "{file} 不是 wirelab 的 wheel：应为 pip 能安装的 wirelab-….whl 文件",
        ),
        "autograder.failed": Text(
            "Not graded, and no score: the grader's machine could not play this submission. It is not the submission's fault, "
            "and costs nothing. Instructor: mend what is said below, then use Rerun Autograder.",
            "未评分，也没有分数：评分机器无法运行这份提交。这不是提交的问题，不会扣分。教师请解决下面的问题，然后点击“Rerun Autograder”重新评分。",
        ),
        "autograder.installed": Text(
            "wirelab is not installed in this image: setup.sh failed. See the output of the image's build.",
            "镜像里没有装好 wirelab：setup.sh 失败了。请查看构建镜像时的输出。",
        ),
        "autograder.refused": Text(
            "This machine does not let wirelab play anything. What `wirelab doctor` found:",
            "这台机器不允许 wirelab 运行场景。`wirelab doctor` 的结果：",
        ),
        "autograder.broken": Text(
            "Grading ended with an error: see the standard output, which only instructors are shown.",
            "评分因错误而中止：请查看标准输出，只有教师能看到。",
        ),
        "autograder.undecided": Text(
            "The machine kept everything from being decided, as where it is overloaded: see the standard output, which only "
            "instructors are shown.",
            "因机器原因（例如负载过高）全部未能判定：请查看标准输出，只有教师能看到。",
        ),
    }
)

# Names of packages are Debian's and Ubuntu's. An image of Ubuntu 22.04 has Python 3.10, and 3.11 beside it.
_SETUP_SH = """\
#!/usr/bin/env bash
# Installs wirelab and what it needs in the image of the autograder. Made by `wirelab export LAB autograder`.
set -euo pipefail
root=${AUTOGRADER_ROOT:-/autograder}
export DEBIAN_FRONTEND=noninteractive

# What students' programs need stands in the last line: add default-jdk-headless, nodejs, golang or rustc, as you allow.
apt-get update
apt-get install -y --no-install-recommends python3 python3-venv bubblewrap nftables \\
  gcc g++ libc6-dev make

recent() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
python=${PYTHON:-python3}
if ! recent "$python"; then
  apt-get install -y --no-install-recommends python3.11 python3.11-venv
  python=python3.11
fi
"$python" -m venv "$root/wirelab"
"$root/wirelab/bin/python" -m pip install --no-cache-dir --disable-pip-version-check @WIRELAB@
# Rubric, hidden scenarios and the kit are closed to students' programs also where no sandbox can be made.
chmod -R go-rwx "$root/source" "$root"/wirelab/lib
"$root/wirelab/bin/wirelab" --version
"""

_RUN_AUTOGRADER = """\
#!/usr/bin/env bash
# Grades one submission and writes results.json. Made by `wirelab export LAB autograder`.
# When the machine cannot play it, results.json says so and has no score: Gradescope then reports a failed autograder.
set -u
root=${AUTOGRADER_ROOT:-/autograder}
wirelab=$root/wirelab/bin/wirelab
result=$root/results/results.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8
mkdir -p "$root/results"
rm -f "$result"

fail() {
  printf '%s\\n' @FAILED@ "" "$@"
  printf '%s\\n' @FAILED@ "" "$@" | python3 -c '
import json, sys
text = sys.stdin.buffer.read().decode("utf-8", "replace")
result = {"output": text, "output_format": "text", "stdout_visibility": "hidden", "tests": []}
open(sys.argv[1], "w", encoding="ascii").write(json.dumps(result) + "\\n")' "$result"
  exit 1
}

[ -x "$wirelab" ] || fail @INSTALLED@
"$wirelab" --lang @LANG@ doctor >"$work/doctor" 2>&1 || fail @REFUSED@ "$(cat "$work/doctor")"

# wirelab grades classes: this is a class of one, whose folder is called submission.
mkdir "$work/class"
cp -R "$root/submission" "$work/class/submission"
"$wirelab" --lang @LANG@ grade "$root/source/@LAB@" "$work/class" -o "$work/out" ${WIRELAB_OPTIONS:-} 2>&1
status=$?
[ "$status" -eq 0 ] || [ "$status" -eq 2 ] || fail @BROKEN@
install -m 644 "$work"/out/students/*/gradescope.json "$result" 2>/dev/null || fail @UNDECIDED@
"""


def autograder(lab: LoadedLab, wheel: Path | None, language: Language) -> bytes:
    """The zip: both scripts at its root, the lab, and the wheel if one is given; else pip fetches this version by name.

    ``language`` is that of the feedback. Raises InputError for what is no wheel of wirelab.
    """
    carried = None if wheel is None else _wheel(wheel)
    install = f"wirelab=={__version__}" if wheel is None else f'"$root/source/{wheel.name}"'
    texts = {key: shlex.quote(say(f"autograder.{key.lower()}", language)) for key in _SAID}
    words = texts | {"LANG": language, "LAB": f"{LAB}/{lab.lab.lab}", "WIRELAB": install}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, script in ((SETUP, _SETUP_SH), (RUN, _RUN_AUTOGRADER)):
            _add(archive, name, _filled(script, words).encode(), _SCRIPT)
        for name, text in sorted(dict(_lab_files(lab)).items()):
            _add(archive, f"{LAB}/{lab.lab.lab}/{name}", text.encode(), _FILE)
        if wheel is not None and carried is not None:
            _add(archive, wheel.name, carried, _FILE)
    return packed.getvalue()


_SAID = ("FAILED", "INSTALLED", "REFUSED", "BROKEN", "UNDECIDED")


def _lab_files(lab: LoadedLab) -> Iterator[tuple[str, str]]:
    """What grading reads of a lab: the rubric, the scenarios, and each one's protocol beside it."""
    yield kit.LAB_FILE, library.read_text(lab.folder / kit.LAB_FILE)
    for name, loaded in lab.scenarios.items():
        path = PurePosixPath("scenarios", name)
        yield f"{path}.yaml", loaded.scenario.text
        yield str(path.parent / library.PROTOCOLS / f"{loaded.scenario.protocol}.yaml"), loaded.source


def _wheel(file: Path) -> bytes:
    """The content of a wheel of wirelab; its name is what pip reads the version from."""
    parts = file.name.removesuffix(".whl").split("-")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError("library.unreadable", file=file, why=error.strerror or error) from None
    if file.suffix != ".whl" or parts[0] != "wirelab" or len(parts) < 5 or not zipfile.is_zipfile(io.BytesIO(content)):
        raise InputError("autograder.not-a-wheel", file=file)
    return content


def _filled(script: str, words: dict[str, str]) -> str:
    for name, value in words.items():
        script = script.replace(f"@{name}@", value)
    return script


def _add(archive: zipfile.ZipFile, name: str, content: bytes, mode: int) -> None:
    info = zipfile.ZipInfo(name, _STAMP)
    info.create_system = 3  # Unix: only then the mode counts
    info.external_attr = (stat.S_IFREG | mode) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, content)
