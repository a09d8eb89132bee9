"""Owns stock and packages (suppliers, warehouses and carriers will live here)."""
