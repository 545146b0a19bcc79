"""``tensor-ipc completion SHELL``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_PROGRAM = "tensor-ipc"
_VARIABLE = "_TENSOR_IPC_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash:  eval "$(tensor-ipc completion bash)"          in ~/.bashrc
    zsh:   eval "$(tensor-ipc completion zsh)"           in ~/.zshrc
    fish:  tensor-ipc completion fish | source           in config.fish
    """  # noqa: D301  click's mark for lines that are not to be wrapped
    completion = get_completion_class(shell)
    if completion is None:
        msg = f"this version of click knows no completion for {shell}"
        raise click.ClickException(msg)
    click.echo(completion(ctx.find_root().command, {}, _PROGRAM, _VARIABLE).source())
