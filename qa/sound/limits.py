"""What is taken and what a decoder may use."""

MB = 1024 * 1024
MOST_BYTES = 200 * MB
MOST_SECONDS = 3 * 3600
LEAST_SECONDS = 0.1
MOST_CLIP_SECONDS = 300
# the widest waveform: a part of a 10-minute call is a quarter of a second
MOST_PARTS, PARTS_A_SECOND, FEWEST_PARTS = 2400, 20, 200
ADDRESS_SPACE = 2048 * MB
CPU_SECONDS = 120
WALL_SECONDS = 300
