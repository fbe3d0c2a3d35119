"""Distributed data-parallel training, as torchrun starts it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """Which of how many processes this one is; rank 0 writes files and speaks."""

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def share(self, batch: int) -> range:
        """The rows of a batch that this process computes."""
        return range(self.rank, batch, self.world)

    def wrap(self, network: nn.Module, device: torch.device) -> nn.Module:
        """The network so that gradients are averaged over the processes."""
        if self.world == 1:
            return network
        if device.type == "cuda":
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return DistributedDataParallel(network)

    def wait(self) -> None:
        """Until every process has come here."""
        if self.world > 1:
            distributed.barrier()

    def agree(self, wish: bool) -> bool:
        """Whether rank 0 wishes it; every process gets the same answer."""
        if self.world == 1:
            return wish
        wishes = [wish]
        distributed.broadcast_object_list(wishes, src=0)
        return wishes[0]


@contextmanager
def started(
    device: torch.device, environment: Mapping[str, str] = os.environ
) -> Iterator[tuple[Ranks, torch.device]]:
    """This process among those of torchrun, and the device that it gets; alone without torchrun."""
    world = int(environment.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks(), device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(environment["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(rank=distributed.get_rank(), world=world), device
    finally:
        distributed.destroy_process_group()
