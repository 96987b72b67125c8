"""Finding what answers a question: candidates by meaning and by words in one exact query per tenant, then a learned order."""

from collections.abc import Sequence
from typing import Any, Final, LiteralString

from savdo.ai.embed import Meaning
from savdo.base.db import Session
from savdo.knowledge import ranking, words
from savdo.knowledge.meaning import latent_text, vector_text
from savdo.knowledge.models import Found, Passage
from savdo.knowledge.ranking import Asked, Candidate

# Of each side; sentences and letters are compared only for these.
CANDIDATES: Final = 60
# A word in the title, the heading or the question of a passage says what it is about.
HEADING: Final = 1.5

# Passages that have a word, more than which it is not looked for beside rarer ones.
MANY: Final = 3_000

LONGEST_QUERY: Final = 1_500
MOST_TERMS: Final = 60
MOST_GRAMS: Final = 160


async def find(session: Session, text: str, meaning: Meaning, *, limit: int = 8) -> Found:
    """The passages most likely to answer `text`, best first; `meaning` is `embed.asked(text)`.

    Only versions of documents that are being answered from are seen, in the tenant of `session`.
    """
    return ranking.ranked(*await candidates(session, text, meaning), limit)


async def candidates(session: Session, text: str, meaning: Meaning) -> tuple[Asked, list[Candidate]]:
    """What was asked and what may answer it, with everything the ranking looks at."""
    asked = text[:LONGEST_QUERY]
    terms = list(dict.fromkeys(words.terms(asked)))[:MOST_TERMS]
    grams = sorted(words.grams(asked))[:MOST_GRAMS]
    values = {
        "vector": vector_text(meaning.vector),
        "latent": latent_text(meaning.latent),
        "terms": terms, "grams": grams, "candidates": CANDIDATES, "heading": HEADING, "many": MANY,
    }  # fmt: skip
    # Not prepared: after five runs a prepared statement keeps one plan for tenants of any size.
    found = await (await session.execute(QUERY, values, prepare=False)).fetchall()
    frequency: Sequence[int] = (found[0]["frequency"] if found else None) or [0] * len(terms)
    known: int = found[0]["known"] if found else 0
    return Asked(asked, tuple(terms), frozenset(grams), tuple(frequency), known), [_candidate(row, terms) for row in found]


QUERY: LiteralString = """
WITH p AS MATERIALIZED (
  SELECT p.id, p.document_id, p.position, coalesce(p.language, '') AS language, 1 - (p.embedding <=> %(vector)s::halfvec) AS similarity
    FROM passages p JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id AND d.version = p.version
), spoken AS MATERIALIZED (
  SELECT language, count(*) AS n, avg(similarity) AS middle FROM p GROUP BY language
), everything AS MATERIALIZED (
  SELECT coalesce(sum(n), 0)::int AS n, sum(n * middle) / sum(n) AS middle FROM spoken
), tongues AS MATERIALIZED (
  -- The model likes what is written in the question's own language, whatever it says. So a passage is measured against
  -- the others of its language; how much, depends on how many there are.
  SELECT language, (spoken.middle - everything.middle) * spoken.n / (spoken.n + 5) AS liking FROM spoken CROSS JOIN everything
), t AS MATERIALIZED (
  SELECT i::int AS i, term FROM unnest(%(terms)s::text[]) WITH ORDINALITY AS u (term, i)
), posted AS MATERIALIZED (
  SELECT t.i, w.document_id, w.places, w.headings FROM t JOIN postings w ON w.word = t.term
), counted AS MATERIALIZED (
  SELECT t.i, coalesce(sum(cardinality(places)), 0)::int AS n FROM t LEFT JOIN posted USING (i) GROUP BY t.i
), telling AS MATERIALIZED (
  -- A word that stands in thousands of passages tells none of them from the others, unless no other of the question is known.
  SELECT counted.i, ln(1 + everything.n / (0.5 + counted.n)) AS weight FROM counted CROSS JOIN everything
   WHERE counted.n <= greatest(%(many)s, (SELECT min(n) FROM counted WHERE n > 0))
), worded AS (
  SELECT document_id, place AS position, sum(weight) AS words FROM (
    SELECT document_id, unnest(places) AS place, weight FROM posted JOIN telling USING (i)
    UNION ALL
    SELECT document_id, unnest(headings), weight * (%(heading)s - 1) FROM posted JOIN telling USING (i)
  ) AS hits GROUP BY document_id, place ORDER BY words DESC, document_id, position LIMIT %(candidates)s
), candidates AS MATERIALIZED (
  (SELECT p.id FROM p JOIN tongues USING (language) ORDER BY p.similarity - liking DESC, p.id LIMIT %(candidates)s)
  UNION
  (SELECT p.id FROM worded JOIN p USING (document_id, position))
)
SELECT f.id, f.document_id, d.name AS document_name, f.kind, f.title_path, f.text, f.cells, f.page, f.language, f.sentences,
       p.similarity, p.similarity - tongues.liking AS own,
       ARRAY(SELECT 1 - (one <=> %(vector)s::halfvec)
               FROM unnest(f.sentence_embeddings) WITH ORDINALITY AS u (one, i) ORDER BY i) AS near,
       ARRAY(SELECT -(one <#> %(latent)s::sparsevec)
               FROM unnest(f.sentence_latents) WITH ORDINALITY AS u (one, i) ORDER BY i) AS latent,
       coalesce(held.terms, '{}') AS terms, coalesce(held.headings, '{}') AS headings,
       ARRAY(SELECT gram FROM unnest(tsvector_to_array(f.grams)) AS g (gram) WHERE gram = ANY (%(grams)s::text[])) AS grams,
       length(f.words) AS words, length(f.grams) AS letters, everything.n AS known,
       (SELECT array_agg(n ORDER BY i) FROM counted) AS frequency
  FROM candidates c JOIN p USING (id) JOIN tongues USING (language) JOIN passages f ON f.id = c.id
  JOIN documents d ON d.tenant_id = f.tenant_id AND d.id = f.document_id CROSS JOIN everything
  CROSS JOIN LATERAL (SELECT array_agg(t.i) AS terms, array_agg(t.i) FILTER (WHERE 'A' = ANY (w.weights)) AS headings
                        FROM unnest(f.words) w JOIN t ON t.term = w.lexeme) AS held
 ORDER BY own DESC, f.id
"""


def _candidate(row: dict[str, Any], terms: list[str]) -> Candidate:
    passage = Passage(
        row["id"], row["document_id"], row["document_name"], row["kind"], tuple(row["title_path"]), row["text"], row["cells"],
        row["page"], row["language"], tuple(row["sentences"]),
    )  # fmt: skip
    return Candidate(
        passage, row["similarity"], row["own"], tuple(row["near"]), tuple(row["latent"]),
        frozenset(terms[i - 1] for i in row["terms"]), frozenset(terms[i - 1] for i in row["headings"]), frozenset(row["grams"]),
        row["words"], row["letters"],
    )  # fmt: skip
