"""What all commands have in common: how an instant is written, and errors as messages."""

from datetime import UTC, datetime
from typing import Any

import click

from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.resources.interrupts import interrupts_noticed


class InstantType(click.ParamType[datetime]):
    """An instant on the command line: ISO 8601; without a zone it is UTC."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not an instant; write it as 2023-07-10T11:45:00Z", param, ctx)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)


class Quiet(click.Group):
    """Turns errors into messages; what is nobody's fault but ours is kept in a file."""

    def invoke(self, ctx: click.Context) -> Any:
        with interrupts_noticed() as interrupted:
            try:
                return super().invoke(ctx)
            except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
                raise
            except Exception as error:
                if interrupted():
                    raise click.Abort from error
                click.echo(_message(error), err=True)
        return ctx.exit(1)


def _message(error: Exception) -> str:
    return f"error: {error}" if isinstance(error, MonetizeError) else f"internal error: {error}\n{_keep_trace()}"


def _keep_trace() -> str:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="monetize-", suffix=".txt", delete=False) as file:
        traceback.print_exc(file=file)
    return f"This is a fault of the program; please report it with {file.name}"
