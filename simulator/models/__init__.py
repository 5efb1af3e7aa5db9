"""Everything the simulated backend remembers.

The models give the tables their shape; the hot path reads and writes them with plain SQL (`db`).
"""

from simulator.models.rehearsal import Allowance, Answer, Fault, FaultCount, RequestLog, State
from simulator.models.world import (
    Account,
    Address,
    BroadworksUser,
    Enterprise,
    Mail,
    Provisioning,
    Subscriber,
    Token,
)

__all__ = [
    "Account",
    "Address",
    "Allowance",
    "Answer",
    "BroadworksUser",
    "Enterprise",
    "Fault",
    "FaultCount",
    "Mail",
    "Provisioning",
    "RequestLog",
    "State",
    "Subscriber",
    "Token",
]
