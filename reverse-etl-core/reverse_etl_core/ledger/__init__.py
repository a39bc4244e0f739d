"""What was delivered, what is under way, what was refused: the durable memory of a sync (DESIGN.md 5)."""

from reverse_etl_core.ledger.book import StreamLedger
from reverse_etl_core.ledger.rows import Delivery, HeldPlan, Intent, Job, Settlement, Status
from reverse_etl_core.ledger.store import Ledger, Scope

__all__ = ["Delivery", "HeldPlan", "Intent", "Job", "Ledger", "Scope", "Settlement", "Status", "StreamLedger"]
