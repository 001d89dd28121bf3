"""What a scenario says before its script, as frozen models: its title, what it tests, and its cast. Plays nothing."""

# No `from __future__ import annotations`: msgspec would compile each annotation anew, 4 ms more in every run.

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from wirelab.declare.fill import Strict, rule

NAME = r"[a-z][a-z0-9_]{0,30}"
"""An actor's name."""

Variable = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        extra=rule("letters, digits and _, not beginning with a digit", "由字母、数字和下划线组成，不以数字开头"),
    ),
]
Environment = dict[Variable, str | int | float]


class Title(Strict):
    """A line for people, in both languages."""

    en: Annotated[str, Meta(min_length=1, description="in English")]
    zh: Annotated[str, Meta(min_length=1, description="in Chinese")]


class CastMember(Strict):
    """One actor: its role, and who plays it."""

    role: Annotated[Literal["client", "server"], Meta(description="which end of the connection it is")]
    peer: Annotated[bool, Meta(description="true: played by the harness itself, byte by byte, without a program")] = (
        False
    )
    plays: Annotated[
        Literal["reference"] | None,
        Meta(description="`reference`: always the model answer, even where the submission would play this role"),
    ] = None
    answers: Annotated[bool, Meta(description="for a peer: answer heartbeats by itself")] = False
    env: Annotated[Environment, Meta(description="environment variables of this actor alone")] = field(
        default_factory=dict
    )


class Head(Strict, kw_only=True):
    """Everything of a scenario but its script and expectations, which have readers of their own."""

    scenario: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9-]+(/[a-z0-9-]+)*$",
            extra=rule(
                "lower-case letters, digits and -, with / between folders",
                "由小写字母、数字和 - 组成，文件夹之间用 / 隔开",
            ),
            description="its path below scenarios/, without .yaml",
        ),
    ]
    title: Annotated[Title, Meta(description="what it is about, in one line for people")]
    tests: Annotated[Literal["client", "server", "both"], Meta(description="the role the submission plays")]
    protocol: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9-]+$",
            extra=rule("lower-case letters, digits and -", "由小写字母、数字和 - 组成"),
            description="a profile in scenarios/protocols",
        ),
    ] = "line"
    port: Annotated[int, Meta(ge=1024, le=65535, description="the server's TCP port")] = 12001
    env: Annotated[Environment, Meta(description="environment variables of every program")] = field(
        default_factory=dict
    )
    amplify: Annotated[
        bool,
        Meta(
            description="true: a submission in Python pauses for a moment before each send, so that a missing lock shows "
            "every time; one in another language is played as it is, where it shows by chance"
        ),
    ] = False
    cast: Annotated[
        dict[str, CastMember], Meta(min_length=1, description="the actors by name, and what each of them is")
    ]
    script: Annotated[tuple[Any, ...], Meta(min_length=1, description="the steps, one after the other")]
    expect: Annotated[tuple[Any, ...], Meta(description="what must be seen on the wire")] = ()
