"""The commands of `assent`: a module for each noun, with the options of its commands and what they do.

A command imports what it needs when it runs, so that `--help` and a typing error are answered at once.
"""
