"""How much a file may hold and how much its reading may take."""

MB = 1024 * 1024

FILE_BYTES = 60 * MB
INFLATED_BYTES = 200 * MB
INFLATION_RATIO = 200
ZIP_PARTS = 1_000
ROWS = 300_000
COLUMNS = 200
CELL_CHARACTERS = 4_000
CSV_FIELD_CHARACTERS = 1_000_000
HEADING_ROWS = 10  # the headings stand in one of the first rows
AHEAD = 20  # rows below these that are looked at

# of the reading process
ADDRESS_SPACE = 2_048 * MB
CPU_SECONDS = 180
WALL_SECONDS = 300
