"""Finding what answers a question: candidates by meaning and by words in one exact query per tenant, then a learned order."""

from collections.abc import Sequence
from typing import Any, Final, LiteralString

from savdo.base.db import Session
from savdo.knowledge import ranking, words
from savdo.knowledge.meaning import vector_text
from savdo.knowledge.models import Found, Passage
from savdo.knowledge.ranking import Asked, Candidate

# Of each side; sentences and letters are compared only for these.
CANDIDATES: Final = 60
# Up to so many passages all are compared, and every word is looked for. Of more, only half as many candidates are looked at: those
# that are nearest of `NEAR` whose vectors have the signs (above or below 0) of the question's, and on average as near as `DRAWN` others.
MANY: Final = 3_000
NEAR: Final = 1_000
DRAWN: Final = 400
# A word in the title, the heading or the question of a passage says what it is about.
HEADING: Final = 1.5

LONGEST_QUERY: Final = 1_500
MOST_TERMS: Final = 60
MOST_GRAMS: Final = 160


async def find(session: Session, text: str, vector: Sequence[float], *, limit: int = 8) -> Found:
    """The passages most likely to answer `text`, best first; `vector` is `embed.asked(text)`.

    Only versions of documents that are being answered from are seen, in the tenant of `session`.
    """
    return ranking.ranked(*await candidates(session, text, vector), limit)


async def candidates(session: Session, text: str, vector: Sequence[float], *, many: int = MANY) -> tuple[Asked, list[Candidate]]:
    """What was asked and what may answer it, with everything the ranking looks at. Of up to `many` passages all are compared."""
    asked = text[:LONGEST_QUERY]
    terms = list(dict.fromkeys(words.terms(asked)))[:MOST_TERMS]
    grams = sorted(words.grams(asked))[:MOST_GRAMS]
    values = {
        "vector": vector_text(vector), "terms": terms, "grams": grams, "candidates": CANDIDATES, "heading": HEADING,
        "many": many, "near": NEAR, "drawn": DRAWN,
    }  # fmt: skip
    # Not prepared: after five runs a prepared statement keeps one plan for tenants of any size.
    found = await (await session.execute(QUERY, values, prepare=False)).fetchall()
    frequency: Sequence[int] = (found[0]["frequency"] if found else None) or [0] * len(terms)
    known: int = found[0]["known"] if found else 0
    return Asked(asked, tuple(terms), frozenset(grams), tuple(frequency), known), [_candidate(row, terms) for row in found]


QUERY: LiteralString = """
WITH live AS NOT MATERIALIZED (
  SELECT p.id, p.document_id, p.position, p.signs
    FROM passages p JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id AND d.version = p.version
), known AS MATERIALIZED (
  SELECT n, CASE WHEN n > %(many)s THEN greatest(n / %(drawn)s, 1) ELSE 1 END AS step,
         %(candidates)s / CASE WHEN n > %(many)s THEN 2 ELSE 1 END AS most
    FROM (SELECT coalesce(sum(passages), 0)::int AS n FROM documents WHERE version > 0) AS d
), t AS MATERIALIZED (
  SELECT i::int AS i, term FROM unnest(%(terms)s::text[]) WITH ORDINALITY AS u (term, i)
), posted AS MATERIALIZED (
  SELECT t.i, w.document_id, w.places, w.headings FROM t JOIN postings w ON w.word = t.term
), counted AS MATERIALIZED (
  SELECT t.i, coalesce(sum(cardinality(places)), 0)::int AS n FROM t LEFT JOIN posted USING (i) GROUP BY t.i
), telling AS MATERIALIZED (
  -- A word of thousands of passages tells none of them from the others, unless no other of the question is known.
  SELECT counted.i, ln(1 + known.n / (0.5 + counted.n)) AS weight FROM counted CROSS JOIN known
   WHERE counted.n <= greatest(%(many)s, (SELECT min(n) FROM counted WHERE n > 0))
), worded AS MATERIALIZED (
  SELECT document_id, place AS position, sum(weight) AS words FROM (
    SELECT document_id, unnest(places) AS place, weight FROM posted JOIN telling USING (i)
    UNION ALL
    SELECT document_id, unnest(headings), weight * (%(heading)s - 1) FROM posted JOIN telling USING (i)
  ) AS hits GROUP BY document_id, place ORDER BY words DESC, document_id, position LIMIT (SELECT most FROM known)
), near AS MATERIALIZED (
  SELECT id FROM live ORDER BY signs <~> binary_quantize(%(vector)s::halfvec)::bit(384) LIMIT %(near)s
), compared AS MATERIALIZED (
  -- Where there are few, every passage is drawn.
  SELECT * FROM (
    SELECT id, bool_or(drawn) AS drawn, bool_or(worded) AS worded FROM (
      SELECT id, false AS drawn, false AS worded FROM near
      UNION ALL
      SELECT id, true, false FROM live WHERE uuid_hash(id) %% (SELECT step FROM known) = 0
      UNION ALL
      SELECT id, false, true FROM live JOIN worded USING (document_id, position)
    ) AS chosen GROUP BY id
  -- Says to the planner how few they are.
  ) AS chosen LIMIT 2 * %(many)s
), p AS MATERIALIZED (
  SELECT p.id, coalesce(p.language, '') AS language, 1 - (p.embedding <=> %(vector)s::halfvec) AS similarity, drawn, worded
    FROM compared JOIN passages p USING (id)
), spoken AS MATERIALIZED (
  SELECT language, count(*) AS n, avg(similarity) AS middle FROM p WHERE drawn GROUP BY language
), everything AS MATERIALIZED (
  SELECT sum(n * middle) / sum(n) AS middle FROM spoken
), tongues AS MATERIALIZED (
  -- The model likes what is written in the question's own language, whatever it says. So a passage is measured against
  -- the others of its language; how much, depends on how many there are.
  SELECT language, (spoken.middle - everything.middle) * spoken.n / (spoken.n + 5) AS liking FROM spoken CROSS JOIN everything
), measured AS MATERIALIZED (
  SELECT p.id, p.similarity, p.similarity - coalesce(liking, 0) AS own, worded FROM p LEFT JOIN tongues USING (language)
), candidates AS MATERIALIZED (
  SELECT * FROM (
    (SELECT * FROM measured ORDER BY own DESC, id LIMIT (SELECT most FROM known)) UNION (SELECT * FROM measured WHERE worded)
  ) AS both_sides LIMIT 2 * %(candidates)s
)
SELECT f.id, f.document_id, d.name AS document_name, f.kind, f.title_path, f.text, f.cells, f.page, f.language, f.sentences,
       c.similarity, c.own,
       ARRAY(SELECT 1 - (one <=> %(vector)s::halfvec)
               FROM unnest(f.sentence_embeddings) WITH ORDINALITY AS u (one, i) ORDER BY i) AS near,
       coalesce(held.terms, '{}') AS terms, coalesce(held.headings, '{}') AS headings,
       ARRAY(SELECT gram FROM unnest(tsvector_to_array(f.grams)) AS g (gram) WHERE gram = ANY (%(grams)s::text[])) AS grams,
       length(f.words) AS words, length(f.grams) AS letters, known.n AS known,
       (SELECT array_agg(n ORDER BY i) FROM counted) AS frequency
  FROM candidates c JOIN passages f ON f.id = c.id
  JOIN documents d ON d.tenant_id = f.tenant_id AND d.id = f.document_id CROSS JOIN known
  CROSS JOIN LATERAL (SELECT array_agg(t.i) AS terms, array_agg(t.i) FILTER (WHERE 'A' = ANY (w.weights)) AS headings
                        FROM unnest(f.words) w JOIN t ON t.term = w.lexeme) AS held
 ORDER BY c.own DESC, f.id
"""


def _candidate(row: dict[str, Any], terms: list[str]) -> Candidate:
    passage = Passage(
        row["id"], row["document_id"], row["document_name"], row["kind"], tuple(row["title_path"]), row["text"], row["cells"],
        row["page"], row["language"], tuple(row["sentences"]),
    )  # fmt: skip
    return Candidate(
        passage, row["similarity"], row["own"], tuple(row["near"]),
        frozenset(terms[i - 1] for i in row["terms"]), frozenset(terms[i - 1] for i in row["headings"]), frozenset(row["grams"]),
        row["words"], row["letters"],
    )  # fmt: skip
