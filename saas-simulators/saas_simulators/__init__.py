"""Local servers that behave like the APIs of SaaS products, limits, errors and faults included."""

from saas_simulators.server import SimulatorServer

__all__ = ["SimulatorServer"]
