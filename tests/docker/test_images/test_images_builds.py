"""What build stages stand on: Go, Java and Maven compile, and their result runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.model.grade import ResolvedImage

pytestmark = pytest.mark.docker

GO = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hola") }\n'
JAVA = 'class Hola { public static void main(String[] a) { System.out.println("hola"); } }\n'


def test_go_compiles_for_an_empty_stage(
    equivalent: Callable[[str], ResolvedImage], built: Callable[..., str], output: Callable[..., str]
) -> None:
    """A static binary, copied out of the build stage."""
    go = equivalent("golang:1.24-alpine").reference
    base = equivalent("debian:bookworm-slim").reference
    stages = f"FROM {go} AS build\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /hola main.go\n"
    image = built({"Dockerfile": f'{stages}FROM {base}\nCOPY --from=build /hola /hola\nCMD ["/hola"]\n', "main.go": GO})
    assert output(image) == "hola\n"


def test_java_compiles_and_runs_on_the_jre(
    equivalent: Callable[[str], ResolvedImage], built: Callable[..., str], output: Callable[..., str]
) -> None:
    """javac in the image of Maven, java in the smaller one."""
    maven = equivalent("maven:3.9-eclipse-temurin-21").reference
    jre = equivalent("eclipse-temurin:21-jre").reference
    stages = f"FROM {maven} AS build\nWORKDIR /src\nCOPY . .\nRUN mvn -v && javac Hola.java\n"
    last = f'FROM {jre}\nCOPY --from=build /src/Hola.class /\nCMD ["java", "-cp", "/", "Hola"]\n'
    image = built({"Dockerfile": stages + last, "Hola.java": JAVA})
    assert output(image) == "hola\n"
