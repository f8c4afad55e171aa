"""The process that talks to a Ray cluster for a command, and writes to the command's store."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from optbench.errors import Interrupted, OptbenchError
from optbench.execution.cluster.connection import connected
from optbench.execution.cluster.messages import Order, packed
from optbench.execution.cluster.study import Study
from optbench.execution.process import serve
from optbench.execution.wire import Broken, Done
from optbench.execution.workers import cores

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from typing import Any

    from optbench.execution.cluster.messages import FromDriver
    from optbench.execution.signals import Interruptions


def main() -> None:
    """Carry out the plans that come until none does any more; ends the process."""
    serve(_carry_out_plans)


def _carry_out_plans(connection: Connection, interruptions: Interruptions) -> None:
    order: Order = connection.recv()
    data: dict[str, Any] = {}  # one plan after the other is mostly about the same
    try:
        with connected(order.asked, order.workers or cores(), interruptions) as ray:
            while True:
                _carry_out(ray, order, connection, interruptions, data)
                order = connection.recv()
    except (EOFError, BrokenPipeError):
        raise  # the command is over
    except OptbenchError as error:
        connection.send_bytes(packed([Broken(error)]))
    except Exception:  # noqa: BLE001  (a mistake, which the command tells of)
        connection.send_bytes(packed([Broken(RuntimeError(traceback.format_exc()))]))


def _carry_out(
    ray: Any,
    order: Order,
    connection: Connection,
    interruptions: Interruptions,
    data: dict[str, Any],
) -> None:
    interruptions.until = order.until
    known = frozenset(planned.run.hash for planned in order.plan.to_train)

    def tell(messages: Sequence[FromDriver]) -> None:
        if messages:
            connection.send_bytes(packed(messages, known))

    study = Study(ray, order, tell, interruptions, data)
    try:
        study.train()
    except Interrupted:
        with interruptions.shielded():
            study.interrupt()
        raise
    finally:
        with interruptions.shielded():
            study.dismiss()
    tell([Done()])
