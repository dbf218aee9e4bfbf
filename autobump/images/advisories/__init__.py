"""Known vulnerabilities of what is inside images: what a bump fixes and what it brings in."""
