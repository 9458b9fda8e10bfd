"""Paper: A4 reports as PDF/A by Typst in a worker process, slips as bytes for the 80 mm printer."""
