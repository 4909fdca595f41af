"""What Zanni costs, beside what others cost: `python -m benchmarks`, see docs/benchmarks.md."""
