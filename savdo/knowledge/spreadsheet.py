"""Excel workbooks (.xlsx), read row by row; formulas by the values that were saved with them, hidden sheets not at all."""

import io
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

import openpyxl

from savdo.knowledge import tables
from savdo.knowledge.blocks import Block, Reading
from savdo.knowledge.refusals import Empty, TooManyRows


def parse(content: bytes) -> Reading:
    """Raises Empty, TooManyRows, and whatever openpyxl raises on a damaged file."""
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    blocks: list[Block] = []
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    for sheet in sheets:
        # What the file says of its size is often wrong, and a cell at the far end would make a million empty rows.
        sheet.reset_dimensions()
        found = tables.rows(_grid(sheet), level=4, fill_first=True)
        if found and (len(sheets) > 1 or not sheet.title.lower().startswith(("sheet", "лист", "varaq", "парақ"))):
            blocks.append(Block("heading", sheet.title, level=2))
        blocks.extend(found)
        if len(blocks) > tables.MOST_ROWS:
            raise TooManyRows
    if not blocks:
        raise Empty
    return Reading(tuple(blocks), kind="xlsx")


def _grid(sheet: Any) -> Iterator[list[str]]:
    empty = 0
    for row in sheet.iter_rows(max_col=tables.MOST_COLUMNS):
        line = [shown(cell.value, cell.number_format) if cell.value is not None else "" for cell in row]
        empty = 0 if any(line) else empty + 1
        # Formatting without values can go on to the last of a million rows.
        if empty > 5_000:
            return
        yield line


def shown(value: object, number_format: str) -> str:
    """A cell as its reader sees it: 74000.0 as 74000, 0.1 in per cent as 10%, a date as 2026-03-21."""
    if isinstance(value, bool):
        return "+" if value else "-"
    if isinstance(value, int | float):
        return f"{round(value * 100, 4):g}%" if "%" in (number_format or "") else f"{round(value, 6):.6f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d" if value.time() == time() else "%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return str(value)
