"""The doctor's judgement and its page, from results made up here; and the command itself, on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirelab import __version__
from wirelab.base.texts import LANGUAGES
from wirelab.edge import doctor
from wirelab.edge.doctor import as_data, diagnose, page
from wirelab.present.style import Style
from wirelab.stage.capabilities import standard_probes
from wirelab.stage.namespace import refusal
from wirelab.stage.probes import Capability, Outcome

SECONDS = 60
PLAIN = Style(colour=False)
HEALTHY = tuple(Capability(probe.name, probe.need, "ok", 0.0123) for probe in standard_probes(Path))
NAMES = [item.name for item in HEALTHY]
REFUSED = refusal("unshare", 1, {"kernel.apparmor_restrict_unprivileged_userns": "1"})
KEYS: dict[Outcome, str] = {
    "ok": "",
    "missing": "capability.no-tool",
    "late": "capability.late",
    "untried": "capability.untried",
}


def machine(**outcomes: Outcome) -> tuple[Capability, ...]:
    """All is well but what is named, with ``_`` for ``-``."""
    named = {name.replace("_", "-"): outcome for name, outcome in outcomes.items()}
    assert set(named) <= set(NAMES)
    values = {"package": "some-package", "seconds": 5.0}
    return tuple(
        replace(item, outcome=named[item.name], key=KEYS[named[item.name]], values=values)
        if item.name in named
        else item
        for item in HEALTHY
    )


@pytest.mark.parametrize(
    ("outcomes", "tier", "status", "runs", "faults", "mend"),
    [
        ({}, 1, 0, True, True, []),
        ({"own_loopback": "missing"}, 1, 0, True, True, []),
        ({"bwrap": "untried", "tshark": "missing", "gcc": "late"}, 1, 0, True, True, []),
        ({"wire_faults": "missing"}, 1, 0, True, False, []),
        ({"wire_faults": "late"}, 1, 0, True, False, []),
        ({"disk": "missing"}, 1, 69, False, False, ["disk"]),
        ({"reference": "late", "encoding": "missing"}, 1, 69, False, False, ["reference", "encoding"]),
        ({"containment": "missing"}, 2, 0, True, False, []),
        ({"private_network": "missing", "capture": "untried", "wire_faults": "untried"}, 2, 0, True, False, []),
        ({"private_network": "missing", "disk": "missing"}, 2, 69, False, False, ["disk"]),
        ({"private_network": "late", "own_loopback": "missing"}, None, 69, False, False, ["private-network"]),
        ({"private_network": "late", "other_users": "late"}, None, 69, False, False, ["private-network"]),
    ],
)
def test_tier_and_exit_status(outcomes, tier, status, runs, faults, mend):
    diagnosis = diagnose(machine(**outcomes))
    assert (tier, status) == (diagnosis.tier, diagnosis.exit_status)
    assert (runs, faults, mend) == (diagnosis.runs, diagnosis.faults, list(diagnosis.mend))


def test_a_machine_of_which_nothing_could_be_tried_gives_no_tier():
    only = Capability("system", "run", "missing", key="capability.no-linux", values={"system": "Darwin"})
    diagnosis = diagnose([only])
    assert (None, 69, ("system",)) == (diagnosis.tier, diagnosis.exit_status, diagnosis.mend)
    assert "this is Darwin" in "\n".join(page(diagnosis, "en", PLAIN))


@settings(deadline=None)
@given(st.lists(st.sampled_from(list(KEYS)), min_size=len(NAMES), max_size=len(NAMES)))
def test_whatever_comes_only_a_tier_and_what_a_run_needs_decide_and_all_can_be_said(outcomes):
    results = machine(**{name.replace("-", "_"): outcome for name, outcome in zip(NAMES, outcomes, strict=True)})
    diagnosis = diagnose(results)
    of = {need: {item.outcome for item in results if item.need == need} for need in ("run", "tier-1", "tier-2")}
    tier = 1 if of["tier-1"] == {"ok"} else 2 if of["tier-2"] == {"ok"} else None
    assert (tier, 0 if tier and of["run"] == {"ok"} else 69) == (diagnosis.tier, diagnosis.exit_status)
    for language in LANGUAGES:
        lines = page(diagnosis, language, PLAIN)
        assert len(NAMES) == sum(" ms  " in line for line in lines)
        check_shape(json.loads(json.dumps(as_data(diagnosis, language))))


@pytest.mark.parametrize(
    ("language", "words", "names"),
    [
        ("en", ("ok", "missing", "optional"), ("private network", "wire faults", "own loopback", "tshark")),
        ("zh", ("正常", "缺少", "可选"), ("私有网络", "线路故障", "本机回环", "tshark")),
    ],
)
def test_a_line_each_says_how_it_is_and_how_long_it_took(language, words, names):
    ok, missing, optional = words
    results = machine(wire_faults="missing", own_loopback="missing", tshark="missing")
    lines = page(diagnose(results), language, PLAIN)
    wanted = dict(zip(names, (ok, missing, optional, optional), strict=True))
    told = {name: line.split()[0] for line in lines for name in names if " ms  " in line and f"  {name}  " in line}
    assert wanted == told
    assert all("   12 ms  " in line for line in lines if " ms  " in line)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_brings_the_stages_own_remedy_right_below_it(language):
    refused = Capability("private-network", "tier-1", "missing", 0.1, key=REFUSED.key, values=REFUSED.values)
    lines = page(diagnose([refused, *HEALTHY[1:]]), language, PLAIN)
    at = next(index for index, line in enumerate(lines) if " ms  " in line)
    remedy = REFUSED.text(language).split("\n")
    assert "    sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" in remedy
    assert [" " * 12 + line for line in remedy] == lines[at + 1 : at + 1 + len(remedy)]


@pytest.mark.parametrize(
    ("outcomes", "en", "zh"),
    [
        ({}, ("Tier 1", "`wirelab run` works here"), ("第一级", "可以在这里使用")),
        ({"wire_faults": "missing"}, ("Tier 1", "Only scenarios that"), ("第一级", "只是那些")),
        ({"capture": "missing"}, ("Tier 2", "Only scenarios that"), ("第二级", "只是那些")),
        (
            {"capture": "late", "disk": "missing", "own_loopback": "missing"},
            ("No tier", "mended: capture, disk space."),
            ("没有可用的级别", "解决：抓包、磁盘空间。"),
        ),
    ],
)
def test_it_begins_with_the_tier_and_ends_with_what_that_means(outcomes, en, zh):
    for language, (first, last) in zip(LANGUAGES, (en, zh), strict=True):
        lines = page(diagnose(machine(**outcomes)), language, PLAIN)
        assert first in "\n".join(lines[: lines.index("")])
        assert last in lines[-1]


def test_what_programs_said_cannot_reach_the_terminal():
    values = {"output": "Error:\x1b[2J\nno \u202etable"}
    refused = Capability("wire-faults", "faults", "missing", key="capability.nft-refused", values=values)
    lines = page(diagnose([*HEALTHY[:9], refused]), "en", PLAIN)
    assert " " * 12 + "Error:⟨ESC⟩[2J" in lines
    assert " " * 12 + "no ⟨U+202E⟩table" in lines


def test_ink_only_where_it_is_wanted():
    assert "\x1b" not in "\n".join(page(diagnose(HEALTHY), "en", PLAIN))
    assert "\x1b[32mok" in "\n".join(page(diagnose(HEALTHY), "en", Style(colour=True)))


TYPES = {
    "wirelab": str,
    "tier": int | None,
    "runs": bool,
    "faults": bool,
    "mend": list,
    "exit_status": int,
    "capabilities": list,
}
ENTRY_TYPES = {
    "name": str,
    "need": str,
    "status": str,
    "outcome": str,
    "milliseconds": float,
    "use": str,
    "detail": str,
    "code": str | None,
    "remedy": str | None,
}


def check_shape(data):
    """The shape that ``as_data`` promises."""
    assert list(TYPES) == list(data)
    assert all(isinstance(data[key], kind) for key, kind in TYPES.items())
    assert data["runs"] == (data["exit_status"] == 0)
    for entry in data["capabilities"]:
        assert list(ENTRY_TYPES) == list(entry)
        assert all(isinstance(entry[key], kind) for key, kind in ENTRY_TYPES.items())
        assert entry["need"] in ("run", "tier-1", "faults", "tier-2", "optional")
        assert entry["status"] in ("ok", "missing", "optional")
        assert entry["outcome"] in KEYS
        assert (entry["outcome"] == "ok") == (entry["status"] == "ok") == (entry["code"] is None)
        assert (entry["code"] is None) == (entry["remedy"] is None)


def test_the_data_has_the_promised_shape_and_only_its_sentences_are_translated():
    diagnosis = diagnose(machine(private_network="late", capture="untried", gcc="missing", disk="missing"))
    english, chinese = (json.loads(json.dumps(as_data(diagnosis, language))) for language in LANGUAGES)
    check_shape(english)
    check_shape(chinese)
    assert (__version__, 2, ["disk"]) == (english["wirelab"], english["tier"], english["mend"])
    first, gcc = (
        next(entry for entry in english["capabilities"] if entry["name"] == name) for name in (NAMES[0], "gcc")
    )
    assert ("optional", "late", 12.3, "capability.late") == tuple(
        first[key] for key in ("status", "outcome", "milliseconds", "code")
    )
    assert ("optional", "missing") == (gcc["status"], gcc["outcome"])
    assert "apt install some-package" in gcc["remedy"]
    for one, other in zip(english["capabilities"], chinese["capabilities"], strict=True):
        assert one["use"] != other["use"]
        assert {key: one[key] for key in one if key not in ("use", "remedy")} == {
            key: other[key] for key in other if key not in ("use", "remedy")
        }


def test_the_command_prints_and_returns_the_status(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "examine", lambda probes: machine(disk="missing"))
    assert 69 == doctor.doctor("zh")
    assert "第一级" in capsys.readouterr().out
    assert 69 == doctor.doctor("en", as_json=True)
    check_shape(json.loads(capsys.readouterr().out))


def run(*command: str, **env: str) -> tuple[int, str, str]:
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *command], env=os.environ | paths | env, capture_output=True, timeout=SECONDS, check=False
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_on_this_machine_both_languages_and_the_data_agree():
    status, output, errors = run("-m", "wirelab", "doctor", "--json")
    data = json.loads(output)
    check_shape(data)
    assert (data["exit_status"], "") == (status, errors)
    for language, tier_1 in zip(LANGUAGES, ("Tier 1", "第一级"), strict=True):
        again, page_printed, errors = run("-m", "wirelab", "doctor", "--lang", language)
        assert (status, "") == (again, errors)
        assert (data["tier"] == 1) == page_printed.startswith(tier_1)
    if "private-network" in data["mend"]:
        pytest.skip("needs user namespaces")
    assert (1, 0, []) == (data["tier"], status, data["mend"])


INJECTED = """
import signal
from wirelab.base.errors import EnvironmentFault
from wirelab.edge.doctor import doctor
from wirelab.stage.capabilities import text_encoding
from wirelab.stage.probes import Probe

def refuse():
    raise EnvironmentFault("namespace.no-command", command="nft", package="nftables")

raise SystemExit(doctor("{language}", probes=[
    Probe("private-network", "tier-1", lambda: ""),
    Probe("containment", "tier-1", lambda: "", after=("private-network",)),
    Probe("terminal", "run", signal.pause, seconds=0.2) if {hang} else Probe("terminal", "run", lambda: ""),
    Probe("encoding", "run", text_encoding),
    Probe("wire-faults", "faults", refuse),
]))
"""


def test_a_probe_that_hangs_is_said_to():
    status, output, errors = run("-c", INJECTED.format(language="en", hang=True))
    assert (69, "") == (status, errors)
    assert "No answer within 0.2 s" in output
    assert "mended: terminal." in output


def test_without_nft_there_is_a_note_and_no_failure():
    status, output, errors = run("-c", INJECTED.format(language="en", hang=False), PYTHONIOENCODING="utf-8")
    assert (0, "") == (status, errors)
    assert "sudo apt install nftables" in output
    assert "Only scenarios that lose segments or cut the wire cannot be played." in output


def test_an_output_that_cannot_express_it_is_a_finding_and_no_traceback():
    status, output, errors = run("-c", INJECTED.format(language="zh", hang=False), PYTHONIOENCODING="ascii")
    assert (69, "") == (status, errors)
    assert "export LC_ALL=C.UTF-8" in output
