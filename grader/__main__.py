"""The entry point: `grader` and `python -m grader`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from grader.cli import command  # noqa: PLC0415 - importing the package must stay free of side effects

    command()


if __name__ == "__main__":
    main()
