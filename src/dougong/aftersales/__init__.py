"""Owns after-sales cases: refunds, returns, exchanges, evidence, arbitration."""
