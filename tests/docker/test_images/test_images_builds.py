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


@pytest.mark.parametrize(
    ("jdk", "jre"),
    [
        ("maven:3.9-eclipse-temurin-21", "eclipse-temurin:21-jre-alpine"),
        ("maven:3.9-eclipse-temurin-17", "eclipse-temurin:17-jre"),
        ("eclipse-temurin:17-jdk", "eclipse-temurin:17-jre"),
    ],
)
def test_java_compiles_and_runs_on_the_jre(
    jdk: str,
    jre: str,
    equivalent: Callable[[str], ResolvedImage],
    built: Callable[..., str],
    output: Callable[..., str],
) -> None:
    """javac in the larger image, with Maven where it is one of Maven, java in the smaller one."""
    tools = "mvn -v | grep -q 'Maven 3.9' && " if jdk.startswith("maven") else ""
    stages = f"FROM {equivalent(jdk).reference} AS build\nWORKDIR /src\nCOPY . .\nRUN {tools}javac Hola.java\n"
    copied = "COPY --from=build /src/Hola.class /\n"
    last = f'FROM {equivalent(jre).reference}\n{copied}CMD ["java", "-cp", "/", "Hola"]\n'
    image = built({"Dockerfile": stages + last, "Hola.java": JAVA})
    assert output(image) == "hola\n"
