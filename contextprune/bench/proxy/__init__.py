"""Latency, throughput and memory of the proxy, beside a plain one."""
