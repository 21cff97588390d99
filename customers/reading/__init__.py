"""From an uploaded file to clean rows. Nothing in this package touches the database.

formats   what a file is, by its content, and whether it may be opened at all
headings  which column is which
cleaning  one row of cells to one line for COPY
child     the process that opens the file, with limits
parent    starts that process and reads its lines
"""
