"""What whole sessions cost, and what stays visible in them."""
