"""The process that opens one stranger's file: bytes on its input, blocks as JSON on its output, bounds on itself first."""

import contextlib
import dataclasses
import json
import resource
import sys
import warnings

from savdo.knowledge import extract, pdf, spreadsheet, web_page, word
from savdo.knowledge.blocks import Block, Reading
from savdo.knowledge.refusals import Broken, Refused, TookTooLong

MEMORY = 1_500_000_000
SECONDS = 100
READERS = {"pdf": pdf.parse, "docx": word.parse, "xlsx": spreadsheet.parse, "html": web_page.parse}


def main() -> None:
    bound()
    kind = sys.argv[1]
    content = sys.stdin.buffer.read()
    # The libraries complain about files on the output that is ours.
    with contextlib.redirect_stdout(sys.stderr):
        answer = answered(kind, content)
    json.dump(answer, sys.stdout, ensure_ascii=True)


def bound() -> None:
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(3_000)
    # Some systems do not know one of the two limits; the parent's clock holds there.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def answered(kind: str, content: bytes) -> dict[str, object]:
    try:
        return as_json(READERS[kind](content) if kind in READERS else extract.parse_text(content, kind))
    except Refused as refused:
        return {"refused": type(refused).__name__}
    except (MemoryError, RecursionError):
        return {"refused": TookTooLong.__name__}
    except Exception as error:  # noqa: BLE001 # a damaged file breaks a parser in any way it likes
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return {"refused": Broken.__name__}


def as_json(reading: Reading) -> dict[str, object]:
    return {**dataclasses.asdict(reading), "blocks": [listed(block) for block in reading.blocks]}


def listed(block: Block) -> list[object]:
    return [block.kind, block.text, block.level, block.cells, block.page]


if __name__ == "__main__":
    main()
