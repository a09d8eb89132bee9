"""Owns payments, captures, refunds, money that could not be allocated."""
