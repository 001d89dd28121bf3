"""The command ``completion``: a script that makes a shell complete commands, options, labs and scenarios.

Made from the parser itself, so that it names what there is. The names of labs and scenarios are those of the kit at the time
when the script is made; where shells load it with ``eval`` at their start, that is now.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field

from wirelab.base.texts import Language
from wirelab.compose import kit, labs, library
from wirelab.edge.output import put

_LAB, _SCENARIO, _PROTOCOL = "LAB", "SCENARIO", "P"
_FILES = "<files>"  # what stands for: the shell's own completion of files

_BASH = r"""# wirelab completion for bash
@tables@
_wirelab() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} place= at known files=
    for ((at = 1; at < COMP_CWORD; at++)); do
        [[ -n ${_wirelab_words["$place/${COMP_WORDS[at]}"]+is} ]] && place+=/${COMP_WORDS[at]}
    done
    known=${_wirelab_values["$place $before"]-}
    [[ -z $known && $word == -* ]] && known=${_wirelab_options["${place:-/}"]-}
    [[ -z $known ]] && known=${_wirelab_words["${place:-/}"]-}
    [[ " $known " == *" <files> "* ]] && files=1
    local IFS=$' \t\n'
    COMPREPLY=($(compgen -W "${known//<files>/}" -- "$word"))
    if [[ -n $files ]]; then
        compopt -o filenames 2>/dev/null
        local -a found
        mapfile -t found < <(compgen -f -- "$word")
        COMPREPLY+=("${found[@]}")
    fi
}
complete -F _wirelab wirelab
"""

_ZSH = r"""#compdef wirelab
# wirelab completion for zsh
@tables@
_wirelab() {
    local word=${words[CURRENT]} before=${words[CURRENT-1]} place= at known key
    for ((at = 2; at < CURRENT; at++)); do
        key=$place/${words[at]}
        (( ${+_wirelab_words[$key]} )) && place=$key
    done
    key="$place $before"; known=${_wirelab_values[$key]-}
    key=${place:-/}
    [[ -z $known && $word == -* ]] && known=${_wirelab_options[$key]-}
    [[ -z $known ]] && known=${_wirelab_words[$key]-}
    local -a found
    found=(${(s: :)known})
    compadd -- ${found:#<files>}
    [[ " $known " == *" <files> "* ]] && _files
    return 0
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _wirelab wirelab
"""

_FISH = r"""# wirelab completion for fish
function _wirelab_known
    set -l place
    set -l typed (commandline -opc)
    for word in $typed[2..-1]
        contains -- "$place/$word" $_wirelab_places; and set place "$place/$word"
    end
    test -z "$place"; and set place /
    set -l word (commandline -ct)
    switch "$place $typed[-1]"
@values@
    end
    if string match -q -- '-*' $word
        switch $place
@options@
        end
        return
    end
    switch $place
@words@
    end
end
set -g _wirelab_places @places@
complete -c wirelab -f -a '(_wirelab_known)'
"""


@dataclass(slots=True)
class _Node:
    """A command: what may be typed as an option, after an option, and as a word."""

    options: list[str] = field(default_factory=list)
    values: dict[str, list[str]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


def completion(options: argparse.Namespace, language: Language) -> int:
    """Print the script for one shell; ``options.whole`` is the parser of the whole command. It is the same in any language."""
    nodes = dict(_nodes(options.whole, ""))
    put({"bash": _bash, "zsh": _zsh, "fish": _fish}[options.shell](nodes).rstrip("\n"))
    return 0


def _nodes(parser: argparse.ArgumentParser, path: str) -> Iterator[tuple[str, _Node]]:
    """Every command by its path (``/report/new``)."""
    node = _Node()
    below: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:  # argparse has no other way to ask what was added
        if isinstance(action, argparse._SubParsersAction):
            below = action.choices
            node.words += list(below)
            continue
        if action.help == argparse.SUPPRESS:
            continue
        known = _known(action)
        node.options += action.option_strings
        for option in action.option_strings:
            if action.nargs != 0:
                node.values[option] = known
        if not action.option_strings:
            node.words += known
    yield path, node
    for name, each in below.items():
        yield from _nodes(each, f"{path}/{name}")


def _known(action: argparse.Action) -> list[str]:
    """What may stand for an argument, as far as its parser tells."""
    if action.choices is not None:
        return [str(choice) for choice in action.choices]
    meaning = action.metavar if isinstance(action.metavar, str) else ""
    if meaning in (_SCENARIO, _LAB):
        scenarios = library.names() if meaning == _SCENARIO else []
        return [*labs.names(), *scenarios, _FILES]
    if action.dest == "only":  # any of them: which lab is meant stands in another word
        return library.names()
    if meaning == _PROTOCOL or action.dest == "protocol":
        return [*kit.protocol_names(), _FILES]
    return [_FILES]


def _tables(nodes: dict[str, _Node]) -> dict[str, dict[str, str]]:
    """What is known in a place: after an option, when an option begins, and else. The place of the command itself is /."""
    return {
        "values": {
            f"{path} {option}": " ".join(known) for path, node in nodes.items() for option, known in node.values.items()
        },
        "options": {path or "/": " ".join(node.options) for path, node in nodes.items()},
        "words": {path or "/": " ".join(node.words) for path, node in nodes.items()},
    }


def _arrays(nodes: dict[str, _Node]) -> str:
    """The tables as associative arrays, which bash and zsh write alike."""
    made = []
    for name, rows in _tables(nodes).items():
        lines = "".join(f"    [{_quoted(key)}]={_quoted(value)}\n" for key, value in rows.items())
        made.append(f"declare -gA _wirelab_{name}=(\n{lines})\n")
    return "".join(made)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def _bash(nodes: dict[str, _Node]) -> str:
    return _BASH.replace("@tables@\n", _arrays(nodes))


def _zsh(nodes: dict[str, _Node]) -> str:
    # zsh would take quotes in a subscript for a part of the key: no key needs any but for its space.
    made = []
    for name, rows in _tables(nodes).items():
        pairs = "".join(f"    {_quoted(key)} {_quoted(value)}\n" for key, value in rows.items())
        made.append(f"typeset -gA _wirelab_{name}\n_wirelab_{name}=(\n{pairs})\n")
    return _ZSH.replace("@tables@\n", "".join(made))


def _fish(nodes: dict[str, _Node]) -> str:
    text = _FISH.replace("@places@", " ".join(_quoted(path) for path in nodes if path))
    for name, rows in _tables(nodes).items():
        cases = []
        for key, known in rows.items():
            case = f"/{key}" if key.startswith(" ") else key
            words = [word for word in known.split() if word != _FILES]
            lines = [f"printf '%s\\n' {' '.join(map(_quoted, words))}"] if words else []
            lines += ["__fish_complete_path $word"] if _FILES in known.split() else []
            lines += ["return"] if name == "values" and lines else []
            if lines:
                cases.append("\n".join([f"case {_quoted(case)}", *(f"    {line}" for line in lines)]))
        text = text.replace(f"@{name}@", "\n".join(cases))
    return text
