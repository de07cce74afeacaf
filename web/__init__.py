"""The browser face: pages and probes that work without script."""
