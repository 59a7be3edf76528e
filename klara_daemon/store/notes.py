"""stub"""
from klara_daemon.domain.outcome_notes import NoteFacts
async def facts(conn, writeback):
    return NoteFacts(writeback.id)
