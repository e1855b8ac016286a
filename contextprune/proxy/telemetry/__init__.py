"""What is measured of each request, and where that is told: logs, metrics, traces."""
