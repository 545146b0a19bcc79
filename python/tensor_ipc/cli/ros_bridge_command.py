"""``tensor-ipc ros-bridge``."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from typing import Any, Iterator

import click

from tensor_ipc.rosext.bridge.config import ENGINES, BridgeConfig, config_from

_ROS_ARGS = "tensor_ipc.ros_args"


class _RosCommand(click.Command):
    """Leaves ``--ros-args ... [--]`` to ROS, as every ROS node does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ours, theirs = list(args), []
        while "--ros-args" in ours:
            begin = ours.index("--ros-args")
            end = ours.index("--", begin) + 1 if "--" in ours[begin:] else len(ours)
            theirs += ours[begin:end]
            del ours[begin:end]
        ctx.meta[_ROS_ARGS] = theirs
        return super().parse_args(ctx, ours)


@click.command("ros-bridge", cls=_RosCommand, options_metavar="[OPTIONS] [--ros-args ...]")
@click.option("--config", type=click.Path(dir_okay=False), help="YAML file of several topics.")
@click.option("--topic", help="One topic, without a file.")
@click.option("--pool", help="Its pool.")
@click.option("--to-ros", is_flag=True, help="From the pool to the topic.")
@click.option("--type", "message_type", help="[default: sensor_msgs/msg/Image]")
@click.option("--qos", help="default or sensor_data.")
@click.option("--depth", type=int, help="Depth of the queue.")
@click.option("--encoding", help="The only one to take; the one to publish in.")
@click.option("--path", help="Field of the message that is the frame.")
@click.option("--rate-limit", "rate_limit_hz", type=float, help="Messages a second at most.")
@click.option("--history-len", type=int, help="Frames that readers can look back on.")
@click.option("--capacity", type=int, help="Greatest first extent of frames that vary in it.")
@click.option("--engine", type=click.Choice(ENGINES), help="[default: auto]")
@click.option("--check", is_flag=True, help="Only check the configuration.")
@click.pass_context
def command(
    ctx: click.Context, /, *, config: str | None, engine: str | None, check: bool, **link: Any
) -> None:
    """Put ROS topics into pools, and pools onto ROS topics, until Ctrl-C or SIGTERM.

    Either of a file (--config), which docs/ros.md describes, or of one topic (--topic and --pool).
    What follows --ros-args goes to the node: remappings, parameters, log levels.
    """
    chosen = _from_file(config, link) if config is not None else _from_options(link)
    if engine is not None:
        chosen = chosen.with_engine(engine)
    if check:
        for each in chosen.links:
            click.echo(f"{each.name} ({each.type})")
        return
    # Not before: a configuration is checked where there is no ROS, and fast.
    from tensor_ipc.rosext.bridge.allocator import keep_freed_memory  # noqa: PLC0415
    from tensor_ipc.rosext.bridge.run import run_bridge  # noqa: PLC0415

    logging.basicConfig(
        level=logging.INFO, format="[%(levelname)s] %(message)s"
    )  # the native engine's
    keep_freed_memory()
    with _stopped_by_signals() as stop:
        run_bridge(chosen, stop, ctx.meta[_ROS_ARGS])


def _from_file(path: str, link: dict[str, Any]) -> BridgeConfig:
    given = sorted(name for name, value in link.items() if value)
    if given:
        msg = f"--config has all of it: leave out {', '.join(given)}"
        raise click.UsageError(msg)
    from tensor_ipc.rosext.bridge.yaml_file import read_config  # noqa: PLC0415

    return read_config(path)


def _from_options(link: dict[str, Any]) -> BridgeConfig:
    if not link["topic"] or not link["pool"]:
        msg = "give --config FILE, or --topic and --pool"
        raise click.UsageError(msg)
    entry = {
        name: link[name]
        for name in (
            *("topic", "pool", "encoding", "path", "rate_limit_hz"),
            *("history_len", "capacity"),
        )
        if link[name] is not None
    }
    if link["message_type"]:
        entry["type"] = link["message_type"]
    if link["to_ros"]:
        entry["direction"] = "to_ros"
    qos = {"preset": link["qos"], "depth": link["depth"]}
    entry["qos"] = {key: value for key, value in qos.items() if value is not None}
    return config_from({"topics": [entry]}, "command line")


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGINT and SIGTERM set."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
