"""Finding what answers a question: meaning, words and letters weighed together in one query, exactly, per tenant."""

from collections.abc import Sequence
from typing import LiteralString

from psycopg.rows import DictRow

from savdo.base.db import Session
from savdo.knowledge import words
from savdo.knowledge.models import Passage

# How much each side weighs. Fitted on the questions of three businesses and checked on the fourth, in turn (docs/knowledge.md).
MEANING = 1.0
WORDS = 14.0
GRAMS = 4.0
# A word in the title, the heading or the question of a passage says what it is about.
HEADING = 1.5
# The letters are compared only for the best by meaning and the best by words.
CANDIDATES = 100

LONGEST_QUERY = 1_500
MOST_TERMS = 60
MOST_GRAMS = 160


async def find(session: Session, text: str, vector: Sequence[float], *, also: Sequence[str] = (), limit: int = 8) -> list[Passage]:
    """The passages most likely to answer `text`, best first.

    `vector` is `embed.query(text)`; `also` are further texts to look for by words (what the customer asked before, the
    product spoken of). Only versions of documents that are being answered from are seen, in the tenant of `session`.
    """
    asked = "\n".join([text, *also])[:LONGEST_QUERY]
    terms = list(dict.fromkeys(words.terms(asked)))[:MOST_TERMS]
    values = {
        "vector": f"[{','.join(map(str, vector))}]",
        "terms": [f"'{term}'" for term in terms],
        "headings": [f"'{term}':A" for term in terms],
        "any_term": " | ".join(f"'{term}'" for term in terms),
        "grams": sorted(words.grams(asked))[:MOST_GRAMS],
        "limit": limit, "candidates": CANDIDATES, "heading": HEADING,
        "meaning_weight": MEANING, "words_weight": WORDS, "grams_weight": GRAMS,
    }  # fmt: skip
    # Not prepared: after five runs a prepared statement keeps one plan for tenants of any size.
    found = await (await session.execute(QUERY, values, prepare=False)).fetchall()
    return [_passage(row) for row in found]


QUERY: LiteralString = """
WITH p AS MATERIALIZED (
  SELECT p.id, p.words, coalesce(p.language, '') AS language, 1 - (p.embedding <=> %(vector)s::halfvec) AS similarity
    FROM passages p JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id AND d.version = p.version
), everything AS (
  SELECT count(*) AS n, avg(similarity) AS middle, coalesce(nullif(stddev_pop(similarity), 0), 1) AS spread FROM p
), tongues AS (
  -- The model likes what is written in the question's own language, whatever it says. So a passage is measured against
  -- the others of its language; how much, depends on how many there are.
  SELECT language, (avg(similarity) - any_value(middle)) * count(*) / (count(*) + 5) AS liking
    FROM p CROSS JOIN everything GROUP BY language
), m AS MATERIALIZED (
  SELECT p.id, p.similarity, (p.similarity - tongues.liking - everything.middle) / everything.spread AS meaning
    FROM p JOIN tongues USING (language) CROSS JOIN everything
), t AS (
  SELECT i, term::tsquery AS term, heading::tsquery AS heading
    FROM unnest(%(terms)s::text[], %(headings)s::text[]) WITH ORDINALITY AS u (term, heading, i)
), touched AS MATERIALIZED (
  SELECT id, words FROM p WHERE words @@ %(any_term)s::tsquery
), hits AS MATERIALIZED (
  SELECT p.id, t.i, CASE WHEN p.words @@ t.heading THEN %(heading)s ELSE 1.0 END AS weight
    FROM touched p JOIN t ON p.words @@ t.term
), rarity AS (
  SELECT t.i, ln(1 + everything.n / (0.5 + count(hits.id))) AS rarity
    FROM t CROSS JOIN everything LEFT JOIN hits ON hits.i = t.i GROUP BY t.i, everything.n
), worded AS (
  SELECT hits.id, sum(hits.weight * rarity.rarity) / (SELECT sum(rarity) FROM rarity) AS words
    FROM hits JOIN rarity USING (i) GROUP BY hits.id
), candidates AS MATERIALIZED (
  (SELECT id FROM m ORDER BY meaning DESC, id LIMIT %(candidates)s)
  UNION
  (SELECT id FROM worded ORDER BY words DESC, id LIMIT %(candidates)s)
), lettered AS (
  -- Unpacked once a passage: as many small comparisons would each fetch it from where long values are kept.
  SELECT c.id, count(g.gram)::float / greatest(cardinality(%(grams)s::text[]), 1) AS grams
    FROM candidates c JOIN passages p ON p.id = c.id
    LEFT JOIN LATERAL unnest(tsvector_to_array(p.grams)) AS g (gram) ON g.gram = ANY (%(grams)s::text[])
   GROUP BY c.id
), best AS (
  SELECT m.id, m.similarity,
         %(meaning_weight)s * m.meaning + %(words_weight)s * coalesce(w.words, 0) + %(grams_weight)s * coalesce(l.grams, 0) AS score
    FROM candidates c JOIN m USING (id) LEFT JOIN worded w USING (id) LEFT JOIN lettered l USING (id)
   ORDER BY score DESC, m.id LIMIT %(limit)s
)
SELECT f.id, f.document_id, d.name AS document_name, f.kind, f.title_path, f.text, f.cells, f.page, f.language, best.score, best.similarity
  FROM best JOIN passages f ON f.id = best.id JOIN documents d ON d.tenant_id = f.tenant_id AND d.id = f.document_id
 ORDER BY best.score DESC, f.id
"""


def _passage(row: DictRow) -> Passage:
    row["title_path"] = tuple(row["title_path"])
    return Passage(**row)
