"""All rules, in the order of the documentation."""

from __future__ import annotations

from pgbraid.hazards.rules.blocking import WORK_RULES
from pgbraid.hazards.rules.left import LEFT_RULES
from pgbraid.hazards.rules.locks import LOCK_RULES
from pgbraid.hazards.rules.loss import LOSS_RULES
from pgbraid.hazards.rules.outcome import OUTCOME_RULES
from pgbraid.hazards.rules.release import RELEASE_RULES
from pgbraid.hazards.rules.rights import RIGHTS_RULES

__all__ = ["RULES", "RULE_IDS"]

RULES = (
    *WORK_RULES,
    *LOCK_RULES,
    *LOSS_RULES,
    *RELEASE_RULES,
    *RIGHTS_RULES,
    *LEFT_RULES,
    *OUTCOME_RULES,
)
RULE_IDS = tuple(rule.id for rule in RULES)
