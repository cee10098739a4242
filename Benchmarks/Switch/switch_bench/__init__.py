"""Measures Toprack beside what a user would take instead. scripts/bench runs it; docs/benchmarks.md says what the figures mean."""
