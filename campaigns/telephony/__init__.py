"""The telephone behind an interface: place a call, say how it stands, end it.

What a telephone knows of a call lies in its LiveCall row, never in a process, so any web worker answers for any call. The number
goes from the server to the adapter and nowhere else.
"""

from __future__ import annotations

from campaigns.telephony.base import CallStatus, Phase, Telephony, UnknownTelephony
from campaigns.telephony.handset import Handset
from campaigns.telephony.simulator import Simulator

ADAPTERS: dict[str, Telephony] = {"simulator": Simulator(), "handset": Handset()}


def adapter(name: str) -> Telephony:
    """The telephone of this name (Campaign.telephony). Raises UnknownTelephony."""
    try:
        return ADAPTERS[name]
    except KeyError:
        raise UnknownTelephony(name) from None


__all__ = ["ADAPTERS", "CallStatus", "Phase", "Telephony", "UnknownTelephony", "adapter"]
