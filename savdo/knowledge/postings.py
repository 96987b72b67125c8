"""Where each word stands in a document: what a search by words reads instead of every passage."""

from uuid import UUID

from savdo.base.db import Session


async def write(session: Session, tenant_id: UUID, document_id: UUID) -> None:
    """Writes the postings of the version being answered from, in the place of those before."""
    await session.execute("DELETE FROM postings WHERE document_id = %s", (document_id,))
    await session.execute(
        """INSERT INTO postings (tenant_id, word, document_id, places, headings)
           SELECT p.tenant_id, w.lexeme, p.document_id, array_agg(p.position ORDER BY p.position),
                  coalesce(array_agg(p.position ORDER BY p.position) FILTER (WHERE 'A' = ANY (w.weights)), '{}')
             FROM passages p JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id AND d.version = p.version,
                  unnest(p.words) w
            WHERE p.tenant_id = %s AND p.document_id = %s
            GROUP BY p.tenant_id, p.document_id, w.lexeme""",
        (tenant_id, document_id),
    )
