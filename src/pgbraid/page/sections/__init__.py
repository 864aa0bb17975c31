"""The sections of the page that are texts and tables: proof, drift, hazards; pure."""
