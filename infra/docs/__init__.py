"""Builds the documentation: the pages in docs/, and the reference pages that are made from the code."""
