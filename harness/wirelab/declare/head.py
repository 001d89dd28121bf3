"""What a scenario says before its script, as frozen models: its title, what it tests, and its cast. Plays nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from wirelab.declare.source import Strict

NAME = r"[a-z][a-z0-9_]{0,30}"
"""An actor's name."""

Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Environment = Annotated[dict[Variable, str | int | float], Field(json_schema_extra={"additionalProperties": False})]


class Title(Strict):
    """A line for people, in both languages."""

    en: str = Field(min_length=1, description="in English")
    zh: str = Field(min_length=1, description="in Chinese")


class CastMember(Strict):
    """One actor: its role, and who plays it."""

    role: Literal["client", "server"] = Field(description="which end of the connection it is")
    peer: bool = Field(False, description="true: played by the harness itself, byte by byte, without a program")
    plays: Literal["reference"] | None = Field(
        None, description="`reference`: always the model answer, even where the submission would play this role"
    )
    answers: bool = Field(False, description="for a peer: answer heartbeats by itself")
    env: Environment = Field({}, description="environment variables of this actor alone")


class Head(Strict):
    """Everything of a scenario but its script and expectations, which have readers of their own."""

    scenario: str = Field(pattern=r"^[a-z0-9-]+(/[a-z0-9-]+)*$", description="its path below scenarios/, without .yaml")
    title: Title = Field(description="what it is about, in one line for people")
    tests: Literal["client", "server", "both"] = Field(description="the role the submission plays")
    protocol: str = Field("line", pattern=r"^[a-z0-9-]+$", description="a profile in scenarios/protocols")
    port: int = Field(12001, ge=1024, le=65535, description="the server's TCP port")
    env: Environment = Field({}, description="environment variables of every program")
    cast: dict[str, CastMember] = Field(min_length=1, description="the actors by name, and what each of them is")
    script: tuple[object, ...] = Field(min_length=1, description="the steps, one after the other")
    expect: tuple[object, ...] = Field((), description="what must be seen on the wire")
