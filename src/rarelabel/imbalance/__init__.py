"""Measures of multi-label imbalance, and the report that shows them."""
