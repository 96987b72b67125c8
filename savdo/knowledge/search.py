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
        "terms": [f"'{term}'" for term in terms],
        "headings": [f"'{term}':A" for term in terms],
        "any_term": " | ".join(f"'{term}'" for term in terms),
        "grams": grams, "candidates": CANDIDATES, "heading": HEADING,
    }  # fmt: skip
    # Not prepared: after five runs a prepared statement keeps one plan for tenants of any size.
    found = await (await session.execute(QUERY, values, prepare=False)).fetchall()
    frequency: Sequence[int] = (found[0]["frequency"] if found else None) or [0] * len(terms)
    known: int = found[0]["known"] if found else 0
    return Asked(asked, tuple(terms), frozenset(grams), tuple(frequency), known), [_candidate(row, terms) for row in found]


QUERY: LiteralString = """
WITH p AS MATERIALIZED (
  SELECT p.id, p.words, coalesce(p.language, '') AS language, 1 - (p.embedding <=> %(vector)s::halfvec) AS similarity
    FROM passages p JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id AND d.version = p.version
), everything AS (
  SELECT count(*) AS n, avg(similarity) AS middle FROM p
), tongues AS (
  -- The model likes what is written in the question's own language, whatever it says. So a passage is measured against
  -- the others of its language; how much, depends on how many there are.
  SELECT language, (avg(similarity) - any_value(middle)) * count(*) / (count(*) + 5) AS liking
    FROM p CROSS JOIN everything GROUP BY language
), m AS MATERIALIZED (
  SELECT p.id, p.similarity, p.similarity - tongues.liking AS own FROM p JOIN tongues USING (language)
), t AS (
  SELECT i::int AS i, term::tsquery AS term, heading::tsquery AS heading
    FROM unnest(%(terms)s::text[], %(headings)s::text[]) WITH ORDINALITY AS u (term, heading, i)
), touched AS MATERIALIZED (
  SELECT id, words FROM p WHERE words @@ %(any_term)s::tsquery
), hits AS MATERIALIZED (
  SELECT p.id, t.i, p.words @@ t.heading AS in_heading FROM touched p JOIN t ON p.words @@ t.term
), counted AS MATERIALIZED (
  SELECT t.i, count(hits.id) AS n FROM t LEFT JOIN hits ON hits.i = t.i GROUP BY t.i
), worded AS (
  SELECT hits.id, sum((CASE WHEN in_heading THEN %(heading)s ELSE 1.0 END) * ln(1 + everything.n / (0.5 + counted.n))) AS words
    FROM hits JOIN counted USING (i) CROSS JOIN everything GROUP BY hits.id
), candidates AS MATERIALIZED (
  (SELECT id FROM m ORDER BY own DESC, id LIMIT %(candidates)s)
  UNION
  (SELECT id FROM worded ORDER BY words DESC, id LIMIT %(candidates)s)
), hit AS (
  SELECT id, array_agg(i) AS terms, array_agg(i) FILTER (WHERE in_heading) AS headings
    FROM hits JOIN candidates USING (id) GROUP BY id
)
SELECT f.id, f.document_id, d.name AS document_name, f.kind, f.title_path, f.text, f.cells, f.page, f.language, f.sentences,
       m.similarity, m.own,
       ARRAY(SELECT 1 - (one <=> %(vector)s::halfvec)
               FROM unnest(f.sentence_embeddings) WITH ORDINALITY AS u (one, i) ORDER BY i) AS near,
       ARRAY(SELECT -(one <#> %(latent)s::sparsevec)
               FROM unnest(f.sentence_latents) WITH ORDINALITY AS u (one, i) ORDER BY i) AS latent,
       coalesce(hit.terms, '{}') AS terms, coalesce(hit.headings, '{}') AS headings,
       ARRAY(SELECT gram FROM unnest(tsvector_to_array(f.grams)) AS g (gram) WHERE gram = ANY (%(grams)s::text[])) AS grams,
       length(f.words) AS words, length(f.grams) AS letters, everything.n AS known,
       (SELECT array_agg(n ORDER BY i) FROM counted) AS frequency
  FROM candidates c JOIN m USING (id) JOIN passages f ON f.id = c.id LEFT JOIN hit ON hit.id = c.id
  JOIN documents d ON d.tenant_id = f.tenant_id AND d.id = f.document_id CROSS JOIN everything
 ORDER BY m.own DESC, f.id
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
