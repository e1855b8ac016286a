"""The audit: the cost of recorded sessions as they were and with contextprune. It changes nothing."""

from contextprune.audit.logged import Logged
from contextprune.audit.measure import Block, Flow, Session, Step
from contextprune.audit.page import render_page as page  # the name in the documents
from contextprune.audit.recordings import Recording, read_recordings
from contextprune.audit.text import as_json, as_text
from contextprune.audit.total import Audit, audit

__all__ = [
    "Audit",
    "Block",
    "Flow",
    "Logged",
    "Recording",
    "Session",
    "Step",
    "as_json",
    "as_text",
    "audit",
    "page",
    "read_recordings",
]
