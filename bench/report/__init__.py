"""What is made of results: tables, plots, pages."""
