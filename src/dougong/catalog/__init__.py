"""Owns stores, categories, products, SKUs, prices, coupons, import runs."""
