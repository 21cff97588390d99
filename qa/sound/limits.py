"""What is taken, and what the process that opens a file may use."""

from dataclasses import dataclass

MB = 1024 * 1024
MOST_BYTES = 200 * MB
MOST_SECONDS = 3 * 3600
LEAST_SECONDS = 0.1
MOST_CLIP_SECONDS = 300
# the widest waveform: a part of a 10-minute call is a quarter of a second
MOST_PARTS, PARTS_A_SECOND, FEWEST_PARTS = 2400, 20, 200


@dataclass(frozen=True)
class Limits:
    """`fault_of_the_dead`: what is said of a file of which the process died."""

    address_space: int
    cpu_seconds: int
    wall_seconds: int
    fault_of_the_dead: str


# the whole file lies in the address space, and somebody waits for the answer
OF_HEAD = Limits(address_space=512 * MB, cpu_seconds=10, wall_seconds=30, fault_of_the_dead="broken")
OF_DECODER = Limits(address_space=2048 * MB, cpu_seconds=120, wall_seconds=300, fault_of_the_dead="undecodable")
