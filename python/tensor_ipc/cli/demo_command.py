"""``tensor-ipc demo``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tensor_ipc.cli.demo_view import print_summary, progress
from tensor_ipc.cli.options import json_option
from tensor_ipc.cli.output import print_json
from tensor_ipc.demo.engine import run_demo
from tensor_ipc.demo.errors import DemoError
from tensor_ipc.demo.options import DemoOptions
from tensor_ipc.demo.seal import MIN_WIDTH

if TYPE_CHECKING:
    from tensor_ipc.demo.summary import DemoSummary


def _size(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    """Read a picture size such as ``1920x1080``."""
    match = re.fullmatch(r"(\d+)x(\d+)", value)
    if not match:
        msg = f"{value!r} is not a size such as 1920x1080"
        raise click.BadParameter(msg, ctx, param)
    width, height = int(match[1]), int(match[2])
    if width < MIN_WIDTH or height < 1:
        msg = f"{value!r} is smaller than {MIN_WIDTH}x1"
        raise click.BadParameter(msg, ctx, param)
    return width, height


@click.command("demo")
@click.option(
    "--source",
    metavar="PATH",
    help="Video file, picture file, folder of pictures, 'camera' or /dev/videoN.  "
    "[default: the photographs of scikit-image, moved as a camera pan]",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="End after so long. 0: with Ctrl-C.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Frames per second.",
)
@click.option(
    "--size",
    metavar="WxH",
    callback=_size,
    default="1920x1080",
    show_default=True,
    help="Size of the frames.",
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    default="tensor-ipc-demo.png",
    show_default=True,
    help="Where the last 5 frames are drawn, as received.",
)
@click.option(
    "--corrupt",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Flip one bit in every N-th frame, to see that it is noticed (exit code 1).",
)
@json_option
def command(
    *,
    source: str | None,
    seconds: float,
    rate: float,
    size: tuple[int, int],
    picture: Path,
    corrupt: int,
    as_json: bool,
) -> None:
    """Stream real frames to two other processes that check every byte of them.

    A producer publishes RGB frames. One consumer reads the newest frame, the other the last five
    as one array. Both compute a checksum of every frame they get. Exit code 0: both received
    frames and all were whole.
    """
    options = DemoOptions(
        source=source,
        seconds=seconds,
        rate_hz=rate,
        width=size[0],
        height=size[1],
        picture=picture,
        corrupt_every=corrupt,
    )
    try:
        summary = _run(options, as_json=as_json)
    except DemoError as error:
        click.echo(f"{type(error).__name__}: {error}", err=True)
        raise SystemExit(1) from error
    if as_json:
        print_json(summary.to_dict())
    else:
        print_summary(summary)
    if not summary.ok:
        raise SystemExit(1)


def _run(options: DemoOptions, *, as_json: bool) -> DemoSummary:
    if as_json:
        return run_demo(options)
    with progress() as show:
        return run_demo(options, show)
