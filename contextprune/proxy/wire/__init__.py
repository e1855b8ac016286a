"""HTTP as it comes and goes: headers, bodies, routes, errors."""
