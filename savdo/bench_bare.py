"""The limit to measure against: the same rows written by the plainest loop PostgreSQL allows, with no engine around it.

One table of jobs claimed with SKIP LOCKED; per message: read the last ten, insert the answer and its trace, mark it sent.
"""

import asyncio
import time
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

Connection = psycopg.AsyncConnection[Any]

SCHEMA = """
DROP SCHEMA IF EXISTS bare CASCADE;
CREATE SCHEMA bare;
CREATE TABLE bare.conversations (id bigint PRIMARY KEY, revision bigint NOT NULL DEFAULT 0);
CREATE TABLE bare.messages (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, conversation_id bigint NOT NULL, direction text NOT NULL,
  external_id text UNIQUE, text text NOT NULL, status text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), sent_at timestamptz);
CREATE INDEX ON bare.messages (conversation_id, id);
CREATE TABLE bare.turns (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message_id bigint NOT NULL UNIQUE, trace jsonb NOT NULL);
CREATE TABLE bare.jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, conversation_id bigint NOT NULL, message_id bigint NOT NULL);
"""


async def throughput(url: str, messages: int, threads: int) -> float:
    """Messages a second over the middle 80 % of a backlog of `messages`."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("INSERT INTO bare.conversations (id) SELECT generate_series(0, %s)", (threads,))
        connection.execute(
            """WITH m AS (INSERT INTO bare.messages (conversation_id, direction, external_id, text, status)
                 SELECT n %% %s, 'in', 'e' || n, 'How much is the delivery?', 'received'
                   FROM generate_series(1, %s) n RETURNING id, conversation_id)
               INSERT INTO bare.jobs (conversation_id, message_id) SELECT conversation_id, id FROM m""",
            (threads, messages),
        )
    done: list[float] = []
    async with AsyncConnectionPool(url, connection_class=Connection, min_size=16, max_size=16, open=False) as pool:
        await asyncio.gather(*(_loop(pool, done) for _ in range(16)))
    done.sort()
    low, high = int(len(done) * 0.1), int(len(done) * 0.9) - 1
    return (high - low) / max(done[high] - done[low], 1e-6)


async def _loop(pool: AsyncConnectionPool[Connection], done: list[float]) -> None:
    while True:
        async with pool.connection() as session:
            claimed = await (
                await session.execute(
                    """DELETE FROM bare.jobs WHERE id = (SELECT id FROM bare.jobs ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1)
                       RETURNING conversation_id, message_id"""
                )
            ).fetchone()
            if claimed is None:
                return
            conversation_id, message_id = claimed
            await (
                await session.execute(
                    "SELECT * FROM bare.messages WHERE conversation_id = %s ORDER BY id DESC LIMIT 10", (conversation_id,)
                )
            ).fetchall()
            made = await (
                await session.execute(
                    """INSERT INTO bare.messages (conversation_id, direction, text, status)
                       VALUES (%s, 'out', 'Thank you.', 'queued') RETURNING id""",
                    (conversation_id,),
                )
            ).fetchone()
            await session.execute("INSERT INTO bare.turns (message_id, trace) VALUES (%s, '{}')", (message_id,))
        assert made is not None
        async with pool.connection() as session:
            await session.execute("UPDATE bare.messages SET status = 'sent', sent_at = now() WHERE id = %s", (made[0],))
        done.append(time.perf_counter())
